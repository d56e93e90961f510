// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// `nactl check --simulate` lets nasim carry a protocol out on a virtual cell and shows what came of it. nactl itself
// holds no cell and no instrument; the program beside it does.

import ControlAPI
import FoundationEssentials
import Glibc

/// What `nasim rehearse` answers.
struct Simulation: Decodable {
  /// Something that a person must know.
  struct Event: Decodable {
    var step_time_s: Double?
    var severity: String
    var code: String
    var detail: String
  }

  /// The voltage against the run's time, as the lowest and highest of each stretch.
  struct Trace: Decodable {
    var from_s: [Double]
    var lowest_V: [Double]
    var highest_V: [Double]
  }

  var preset: String
  var instrument: String
  var state: String
  var reason: String?
  var virtual_time_s: Double
  var records: Int64
  var moved_charge_Ah: Double
  var initial_coulombic_efficiency: Double?
  var cycles: [CycleFrame]
  var efficiency_tests: [EfficiencyTestFrame]
  var impedance_points: Int
  var events: [Event]
  var event_count: Int
  var trace: Trace
}

extension Simulation {
  /// What a protocol is simulated with.
  struct Request {
    var preset: String
    var instrument: String
    var cycles: Int?
    var settings: [String]
    var massMicrograms: Int64?
    var areaSquareMillimetres: Double?
    var nominalMilliampereHours: Double?
    var degreesCelsius: Double?

    var arguments: [String] {
      var all = ["rehearse", "--cell", preset, "--instrument", instrument]
      if let cycles { all += ["--cycles", "\(cycles)"] }
      for setting in settings { all += ["--set", setting] }
      if let massMicrograms { all += ["--mass-ug", "\(massMicrograms)"] }
      if let areaSquareMillimetres { all += ["--area-mm2", "\(areaSquareMillimetres)"] }
      if let nominalMilliampereHours { all += ["--nominal-mah", "\(nominalMilliampereHours)"] }
      if let degreesCelsius { all += ["--temperature=\(degreesCelsius)"] }
      return all
    }
  }

  /// Carries out a protocol; returns the answer and the bytes that said it.
  static func run(_ request: Request, text: [UInt8]) throws -> (value: Simulation, json: [UInt8]) {
    let bytes = try StartedTool.output(of: "nasim", request.arguments + ["--", "/dev/stdin"], input: text)
    do {
      return (try JSONDecoder().decode(Simulation.self, from: Data(bytes)), bytes)
    } catch {
      throw FileFailure(
        code: "simulation.unreadable", message: "nasim's answer cannot be read: \(error)",
        hint: "nactl and nasim must be of the same version")
    }
  }

  /// For people: the outcome, the cycles, the curve.
  func show(width: Int) {
    let duration = Numbers.duration(virtual_time_s)
    let outcome = reason.map { $0 == state ? state : "\(state) (\($0))" } ?? state
    Terminal.out(
      "\nSIMULATED with \(preset) on \(instrument): \(outcome) after \(duration), \(records) records, "
        + "\(Numbers.scaled(moved_charge_Ah, "Ah")) moved\n\n")
    Terminal.out(Table(columns: Cycles.columns(.milliampereHours, cycles)).text(cycles))
    if !cycles.isEmpty { Terminal.out("\nICE  \(Numbers.percent(initial_coulombic_efficiency)) %\n") }
    for test in efficiency_tests { Terminal.out(Cycles.line(test, .milliampereHours)) }
    if impedance_points > 0 { Terminal.out("\nIMPEDANCE  \(impedance_points) points\n") }
    let points = zip(trace.from_s, zip(trace.lowest_V, trace.highest_V)).map {
      CurvePlot.Point(x: $0, lowest: $1.0, highest: $1.1)
    }
    Terminal.out(
      "\n" + CurvePlot(points: points, width: width, glyphs: .ofTerminal).text(yUnit: "V", xText: Numbers.duration))
    for event in events { Terminal.error("\(event.severity): \(event.code): \(event.detail)\n") }
    if event_count > events.count { Terminal.error("and \(event_count - events.count) more\n") }
  }
}

/// What a preset says of its cell, from `nasim presets`.
struct PresetValues: Decodable {
  var name: String
  var active_mass_mg: Double
  var area_cm2: Double
  var nominal_capacity_mAh: Double

  /// Those of a preset; nil when `nasim` knows none of that name.
  static func named(_ name: String) throws -> PresetValues? {
    let bytes = try StartedTool.output(of: "nasim", ["presets", "--format", "json"])
    return try? JSONDecoder().decode([PresetValues].self, from: Data(bytes)).first { $0.name == name }
  }

  /// A request in which what nobody says of the cell is the preset's.
  func completing(_ request: CheckRequest) -> CheckRequest {
    var request = request
    request.active_mass_ug = request.active_mass_ug ?? Int64((active_mass_mg * 1_000).rounded())
    request.area_mm2 = request.area_mm2 ?? area_cm2 * 100
    request.nominal_capacity_mAh = request.nominal_capacity_mAh ?? nominal_capacity_mAh
    return request
  }
}

/// Another program of ours.
enum StartedTool {
  /// Runs it and returns what it wrote to standard output; its standard error is ours. It is the one beside this program,
  /// or else the one that the path finds.
  static func output(of name: String, _ arguments: [String], input: [UInt8] = []) throws -> [UInt8] {
    let source = try nameless(input)
    defer { close(source) }
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw FileFailure("unreadable", path: "a pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, source, 0)
    let program = beside(name) ?? name
    var words = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    allowSignals(&attributes)
    var number = pid_t()
    let failure = posix_spawnp(&number, program, &actions, &attributes, words, environ)
    close(ends[1])
    guard failure == 0 else {
      throw FileFailure("missing", path: name, number: failure, hint: "it is installed together with nactl")
    }
    guard let bytes = FileDescriptors.readAll(ends[0]) else { throw FileFailure("unreadable", path: "a pipe") }
    var status: Int32 = 0
    while waitpid(number, &status, 0) < 0, errno == EINTR {}
    // It has said itself what is wrong, unless somebody ended it.
    let (code, signal) = ((status >> 8) & 0xFF, status & 0x7F)
    if signal != 0 { Terminal.error("\(name) was ended by signal \(signal)\n") }
    guard status == 0 else { Exit.end(code == Exit.problems.rawValue ? .problems : .file) }
    return bytes
  }

  /// A file without a name that holds these bytes, at its beginning: unlike a pipe it needs nobody who reads meanwhile.
  private static func nameless(_ bytes: [UInt8]) throws -> Int32 {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var path = Array("\(folder)/nactl-XXXXXX".utf8CString)
    let descriptor = mkstemp(&path)
    guard descriptor >= 0 else { throw FileFailure("unwritable", path: folder) }
    unlink(path)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    guard FileDescriptors.writeAll(bytes, to: descriptor), lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw FileFailure("unwritable", path: folder)
    }
    return descriptor
  }

  /// The threads of this program block signals, and what they start would do so too: it must end with Ctrl-C.
  private static func allowSignals(_ attributes: inout posix_spawnattr_t) {
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    var usual = sigset_t()
    sigemptyset(&usual)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&usual, signal) }
    posix_spawnattr_setsigdefault(&attributes, &usual)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
  }

  private static func beside(_ name: String) -> String? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { return nil }
    let path = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let candidate = path[...slash] + name
    return access(String(candidate), X_OK) == 0 ? String(candidate) : nil
  }
}
