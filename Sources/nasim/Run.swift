// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import ArgumentParser
import Glibc
public import VirtualBench
public import VirtualLab

extension EmulatedModel: ExpressibleByArgument {
  /// By its name.
  public init?(argument: String) {
    guard let model = EmulatedFamilies.model(named: argument) else { return nil }
    self = model
  }

  /// The models there are.
  public static var allValueStrings: [String] { EmulatedFamilies.models.map(\.name) }

  /// As it is written on the command line.
  public var defaultValueDescription: String { name }
}
extension ConverterKind: ExpressibleByArgument {}

extension Pace: ExpressibleByArgument {
  /// `max` or a factor.
  public init?(argument: String) { self.init(argument) }

  /// As it is written on the command line.
  public var defaultValueDescription: String {
    switch self {
    case .greatest: "max"
    case .times(let factor): "\(factor)"
    }
  }
}

extension Nasim {
  /// Serves instruments until it is told to end.
  struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Set up instruments and serve them until SIGTERM or SIGINT.",
      discussion: """
        Prints a line for each instrument (link, serial number, cell) and then "ready". At its end it removes the \
        links and leaves DIR/<instrument>-<n>.truth.json for each. With --fault FILE things go wrong at their times: \
        {"seed": 7, "faults": [{"kind": "mute", "instrument": 1, "at_closing": 2, "for_seconds": 30}]}. Kinds are mute, \
        stall, garbage, slow, late, glued, truncated, corrupted, duplicated, interleaved, wrong_value, liar, refusing, \
        frozen_reading, overload, not_a_number, disconnect and reboot.
        """)

    @Option(help: "The instrument.")
    var instrument: EmulatedModel
    @Option(help: "The virtual cell: the name of a preset, or a path to one.")
    var cell: String?
    @Option(help: "The file that replay plays: CSV with time_s, current_A and voltage_V.")
    var recording: String?
    @Option(help: "How many instruments, each with its own cell.")
    var count = 1
    @Option(help: "The number of the first one, in its link's name and its serial number.")
    var first = 1
    @Option(help: "Virtual seconds in a real one, or max: as fast as the host reads.")
    var speed = Pace.times(1)
    @Option(help: "Makes the cells differ as those of a batch do, and seeds the noise. Without it each is the preset.")
    var seed: UInt64?
    @Option(help: "The instruments' converters.")
    var converters = ConverterKind.ideal
    @Flag(help: "The instruments lack their maker's option for impedance.")
    var withoutImpedance = false
    @Option(help: "Time that an instrument takes for each instruction of a script, such as 1ms or 200us.")
    var instructionTime = InstructionTime(seconds: 0.001)
    @Option(help: "Volts below which charge counts as plateau charge in the truth.")
    var plateauBelow: Double?
    @Option(help: "A file of faults and their times; see docs/virtual-laboratory.md.")
    var fault: String?
    @Option(help: "A thermometer too, in a chamber that goes to so many degrees Celsius.")
    var thermometer: Double?
    @Option(help: "How warm the chamber is at first; without it, it is where it goes.")
    var thermometerFrom: Double?
    @Flag(
      help: "Each instrument listens on this machine's network; its line then says where, like tcp://127.0.0.1:41234.")
    var socket = false
    @Option(help: "The chamber's time constant in real seconds.")
    var thermometerTime = 60.0
    @Option(help: "Folder of presets.")
    var presets: String?
    @OptionGroup var place: Place

    func validate() throws {
      guard (1...1000).contains(count) else { throw ValidationError("--count is 1 to 1000, not \(count).") }
      guard first >= 0 else { throw ValidationError("--first is not below 0, not \(first).") }
      for degrees in [thermometer, thermometerFrom].compactMap({ $0 }) where !(abs(degrees) <= 500) {
        throw ValidationError("A chamber is at -500 to 500 degrees Celsius, not \(degrees).")
      }
      guard thermometerTime > 0, thermometerTime.isFinite else {
        throw ValidationError("--thermometer-time is above 0 seconds, not \(thermometerTime).")
      }
      if thermometerFrom != nil, thermometer == nil {
        throw ValidationError("--thermometer-from needs --thermometer.")
      }
      guard (recording != nil) == instrument.playsRecording, (cell != nil) != instrument.playsRecording else {
        throw ValidationError(
          instrument.playsRecording
            ? "replay plays a file: name it with --recording, and no --cell." : "Name the virtual cell with --cell.")
      }
      if !instrument.runsScripts {
        guard !withoutImpedance, instructionTime.seconds == 0.001 else {
          throw ValidationError("--without-impedance and --instruction-time are for instruments that run scripts.")
        }
      }
      if !instrument.hasConverterErrors, converters == .real {
        throw ValidationError(
          "The converters of \(instrument.name) have steps and no errors; --converters real is not for it.")
      }
      if let plateauBelow, !plateauBelow.isFinite { throw ValidationError("--plateau-below is a number of volts.") }
    }

    func run() throws {
      var plan = BenchPlan(
        instrument: instrument, cellName: cell ?? recording ?? "",
        preset: try cell.map { try PresetShelf(named: presets).preset($0) },
        links: try place.folder())
      plan.recording = recording
      plan.count = count
      plan.firstNumber = first
      plan.pace = speed
      plan.seed = seed
      plan.converters = converters
      plan.hasImpedance = !withoutImpedance
      plan.instructionSeconds = instructionTime.seconds
      plan.plateauThresholdVolts = plateauBelow
      plan.hasSockets = socket
      plan.faults = try fault.map { try FaultScript(path: $0) }
      plan.thermometer = thermometer.map {
        ThermometerPlan(target: $0, start: thermometerFrom, timeConstant: thermometerFrom == nil ? 0 : thermometerTime)
      }

      // Blocked before there is a second thread: the one that waits for them below is the only one that sees them.
      var ends = sigset_t()
      sigemptyset(&ends)
      for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&ends, signal) }
      pthread_sigmask(SIG_BLOCK, &ends, nil)
      signal(SIGPIPE, SIG_IGN)

      let bench = try Bench(plan)
      for line in bench.lines { say(line) }
      say("ready")
      var signal: Int32 = 0
      sigwait(&ends, &signal)
      try bench.stop()
    }
  }
}

/// A span such as `1ms`.
struct InstructionTime: ExpressibleByArgument, CustomStringConvertible {
  var seconds: Double

  init(seconds: Double) { self.seconds = seconds }

  init?(argument: String) {
    for (unit, factor) in [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)] where argument.hasSuffix(unit) {
      guard let number = Double(argument.dropLast(unit.count)), number >= 0, number * factor <= 10 else { return nil }
      seconds = number * factor
      return
    }
    return nil
  }

  var description: String { "\(seconds * 1000)ms" }
  var defaultValueDescription: String { description }
}

/// The folder that a bench serves.
struct Place: ParsableArguments {
  @Option(help: "Folder of the links and the control socket (default: $NASIM_LINKS).")
  var links: String?

  func folder() throws -> String {
    if let links { return links }
    guard let folder = getenv("NASIM_LINKS") else {
      throw ValidationError("Name the folder of the bench with --links DIR or NASIM_LINKS.")
    }
    return String(cString: folder)
  }
}

/// Writes a line at once; `print` would hold it back in a pipe.
func say(_ line: String) {
  var bytes = ArraySlice((line + "\n").utf8)
  while !bytes.isEmpty {
    let count = bytes.withContiguousStorageIfAvailable { write(1, $0.baseAddress, $0.count) } ?? -1
    guard count > 0 else { return }
    bytes = bytes.dropFirst(count)
  }
}
