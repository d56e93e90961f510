// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CNacycler
internal import Glibc
internal import Synchronization
internal import VirtualLab

/// A bench full of emulated instruments, each on a pseudo-terminal and a thread of its own.
public final class Bench: Sendable {
  private let plan: BenchPlan
  private let seats: [Seat]
  /// One for each seat, or none at all.
  private let gates: [SocketGate]
  private let thermometer: ThermometerSeat?
  private let threads: Mutex<[BenchThread]>
  private let control: Int32
  /// Ends the control thread.
  private let event: Int32
  private let stopped = Atomic<Bool>(false)

  /// Sets up and switches on all instruments; their links exist when it returns.
  public init(_ plan: BenchPlan) throws(BenchError) {
    guard plan.count >= 1 else { throw BenchError("a bench needs at least one instrument, not \(plan.count)") }
    guard plan.pace != .greatest || plan.instrument.hasItsOwnTime else {
      throw BenchError(
        "\(plan.instrument.name) goes by its host's clock and not as fast as it is read; give --speed a number"
      )
    }
    try plan.faults?.check(
      numbers: plan.firstNumber..<(plan.firstNumber + plan.count), channels: plan.instrument.channels,
      kind: plan.instrument.name, like: try plan.makeFaultyInstrument(number: plan.firstNumber))
    self.plan = plan
    try Self.makeFolder(plan.links)
    control = try ControlSocket.listen(at: ControlSocket.path(in: plan.links))
    event = nacycler_event_open()
    var seats: [Seat] = []
    var threads: [BenchThread] = []
    var thermometer: ThermometerSeat?
    var gates: [SocketGate] = []
    do {
      if let chamber = plan.thermometer {
        let seat = try ThermometerSeat(chamber, links: plan.links, number: plan.firstNumber)
        threads.append(try BenchThread.serving(seat))
        thermometer = seat
      }
      for number in plan.firstNumber..<(plan.firstNumber + plan.count) {
        let seat = try Seat(plan: plan, number: number)
        threads.append(try BenchThread.serving(seat))
        seats.append(seat)
        if plan.hasSockets {
          let gate = try SocketGate(to: seat.link)
          threads.append(try BenchThread(name: "\(seat.name)-socket") { gate.run() })
          gates.append(gate)
          try gate.announce(in: Self.addressFile(number, plan.links))
        }
      }
    } catch {
      for gate in gates { gate.stop() }
      for seat in seats { seat.stop() }
      thermometer?.stop()
      for thread in threads { thread.join() }
      close(control)
      unlink(ControlSocket.path(in: plan.links))
      throw error
    }
    self.seats = seats
    self.gates = gates
    self.thermometer = thermometer
    self.threads = Mutex(threads)
    let controlThread = try BenchThread(name: "control") { [self] in serveControl() }
    self.threads.withLock { $0.append(controlThread) }
  }

  /// One line for each instrument: link, serial number and cell.
  public var lines: [String] {
    seats.enumerated().map { index, seat in
      "\(gates.isEmpty ? seat.link : gates[index].address) \(seat.serial) \(seat.cellName)"
    }
      + (thermometer.map { ["\($0.link) \($0.serial) chamber"] } ?? [])
  }

  /// The truth of a cell of the instrument of that number.
  /// - Parameter channel: Which of its cells, from 1.
  public func truth(of number: Int, channel: Int = 1) throws(BenchError) -> Truth {
    let seat = try seat(number)
    guard (1...seat.channels).contains(channel) else {
      throw BenchError("\(seat.name) has no channel \(channel); it has 1 to \(seat.channels)")
    }
    return seat.truth(channel: channel - 1)
  }

  /// Lets a fault happen to the instrument of that number, for so many real seconds.
  public func order(_ fault: BenchFault, of number: Int, seconds: Double) throws(BenchError) {
    guard seconds >= 0, seconds < 1e6 else { throw BenchError("a fault lasts 0 to 1000000 seconds, not \(seconds)") }
    try seat(number).order(fault, seconds: seconds)
  }

  /// Switches everything off, removes links and socket, and leaves the truths as files in the folder. Later calls do
  /// nothing.
  public func stop() throws(BenchError) {
    guard stopped.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else {
      return
    }
    for seat in seats { seat.stop() }
    thermometer?.stop()
    for gate in gates { gate.stop() }
    for index in gates.indices { unlink(Self.addressFile(plan.firstNumber + index, plan.links)) }
    _ = nacycler_event_signal(event)
    for thread in threads.withLock({ $0 }) { thread.join() }
    close(control)
    unlink(ControlSocket.path(in: plan.links))
    for seat in seats { for channel in 0..<seat.channels { try write(seat.truth(channel: channel)) } }
  }

  // MARK: - Folder

  private static func addressFile(_ number: Int, _ links: String) -> String { "\(links)/\(number).address" }

  private static func makeFolder(_ path: String) throws(BenchError) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/" + part
      guard mkdir(made, 0o755) == 0 || errno == EEXIST else { throw BenchError("cannot make \(made)", errno: errno) }
    }
  }

  private func write(_ truth: Truth) throws(BenchError) {
    let channel = truth.channel.map { ".\($0)" } ?? ""
    let path = "\(plan.links)/\(truth.instrument)\(channel).truth.json"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw BenchError("cannot write \(path)", errno: errno) }
    defer { close(descriptor) }
    var bytes = ArraySlice(Self.answer(truth))
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw BenchError("cannot write \(path)", errno: errno) }
      bytes = bytes.dropFirst(count)
    }
  }

  // MARK: - Control

  private func seat(_ number: Int) throws(BenchError) -> Seat {
    let index = number - plan.firstNumber
    guard seats.indices.contains(index) else {
      let last = plan.firstNumber + seats.count - 1
      throw BenchError("there is no instrument \(number); there are \(plan.firstNumber) to \(last)")
    }
    return seats[index]
  }

  private func serveControl() {
    while !stopped.load(ordering: .acquiring) {
      withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) { waited in
        waited[0] = pollfd(fd: control, events: Int16(POLLIN), revents: 0)
        waited[1] = pollfd(fd: event, events: Int16(POLLIN), revents: 0)
        _ = nacycler_poll(waited.baseAddress, 2, -1)
        guard waited[0].revents != 0 else { return }
        let caller = accept(control, nil, nil)
        guard caller >= 0 else { return }
        serve(caller)
        close(caller)
      }
    }
  }

  private func serve(_ caller: Int32) {
    // A caller that does not read its answer must not hold up the others.
    var limit = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(caller, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let request = ControlSocket.receive(from: caller, until: UInt8(ascii: "\n"), microseconds: 1_000_000)
    let text = String(decoding: request.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    ControlSocket.send(obey(text.split(separator: " ").map(String.init)), to: caller)
  }

  /// Carries one request out and says what came of it.
  private func obey(_ words: [String]) -> [UInt8] {
    do throws(BenchError) {
      switch words.first {
      case "status" where words.count == 1:
        return Self.answer(seats.map { $0.status() } + (thermometer.map { [$0.status()] } ?? []))
      case "truth" where words.count == 2: return Self.answer(try truth(of: Self.number(words[1])))
      case "truth" where words.count == 3:
        return Self.answer(try truth(of: Self.number(words[1]), channel: Self.number(words[2])))
      case "chamber" where words.count == 2: return Self.answer(try sendChamber(to: words[1]))
      case "fault" where words.count == 4 && words[1] == ThermometerSeat.name:
        return Self.answer(try orderThermometer(words[2], seconds: words[3]))
      case "fault" where words.count == 4:
        guard let fault = BenchFault(rawValue: words[2]) else {
          let known = BenchFault.allCases.map(\.rawValue).joined(separator: ", ")
          throw BenchError("there is no fault \(words[2]); there are: \(known)")
        }
        guard let seconds = Double(words[3]) else { throw BenchError("\(words[3]) is no number of seconds") }
        let seat = try seat(Self.number(words[1]))
        try order(fault, of: Self.number(words[1]), seconds: seconds)
        return Self.answer(seat.status())
      default:
        throw BenchError(
          "not understood: \(words.joined(separator: " ")); say status, truth N [CHANNEL], chamber DEGREES or fault N KIND SECONDS"
        )
      }
    } catch {
      return Self.answer(ControlSocket.Refusal(error: error.description))
    }
  }

  // MARK: - Thermometer

  private func theThermometer() throws(BenchError) -> ThermometerSeat {
    guard let thermometer else {
      throw BenchError("there is no thermometer on this bench; start it with nasim run --thermometer DEGREES")
    }
    return thermometer
  }

  private func sendChamber(to text: String) throws(BenchError) -> SeatStatus {
    guard let target = Double(text), target.isFinite, abs(target) <= 500 else {
      throw BenchError("\(text) is no temperature in degrees Celsius from -500 to 500")
    }
    let seat = try theThermometer()
    seat.go(to: target)
    return seat.status()
  }

  private func orderThermometer(_ kind: String, seconds: String) throws(BenchError) -> SeatStatus {
    guard let fault = ThermometerFault(rawValue: kind) else {
      let known = ThermometerFault.allCases.map(\.rawValue).joined(separator: ", ")
      throw BenchError("a thermometer has no fault \(kind); there are: \(known)")
    }
    guard let time = Double(seconds), time >= 0, time < 1e6 else {
      throw BenchError("a fault lasts 0 to 1000000 seconds, not \(seconds)")
    }
    let seat = try theThermometer()
    seat.order(fault, seconds: time)
    return seat.status()
  }

  private static func number(_ text: String) throws(BenchError) -> Int {
    guard let number = Int(text) else { throw BenchError("\(text) is no instrument's number") }
    return number
  }

  private static func answer(_ value: some Encodable) -> [UInt8] {
    do {
      return try jsonLine(value)
    } catch {
      return Array("{\"error\":\"an answer could not be written as JSON\"}\n".utf8)
    }
  }
}
