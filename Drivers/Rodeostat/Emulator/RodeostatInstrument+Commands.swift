// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What each command does and says. The words of refusals are the firmware's: hosts show them.

extension RodeostatInstrument {
  /// What a command is answered.
  enum Answer {
    /// Done, with these members behind the command's name.
    case done([(String, FirmwareValue)])
    /// Not done, with these members all the same.
    case failed(String, [(String, FirmwareValue)])

    static func says(_ key: String, _ value: FirmwareValue) -> Answer { .done([(key, value)]) }
    static func says(_ key: String, _ value: Bool) -> Answer { .done([(key, .truth(value))]) }
    static func failed(_ message: String) -> Answer { .failed(message, []) }
    static func lacks(_ key: String) -> Answer { .failed("json does not contain key: \(key)") }
  }

  /// The line that answers one.
  mutating func reply(to request: FirmwareObject?) -> String {
    guard let request else { return Self.line("unable to parse json", FirmwareObject()) }
    guard let member = request["command"] else { return Self.line("CommandTable: command not found", FirmwareObject()) }
    let name = Self.trimmed(member)
    var response = FirmwareObject()
    guard let answer = carryOut(name, request) else {
      return Self.line("command, \(name), not found", response)
    }
    response["command"] = member
    switch answer {
    case .done(let members):
      for (key, value) in members { response[key] = value }
      return Self.line(nil, response)
    case .failed(let message, let members):
      for (key, value) in members { response[key] = value }
      return Self.line(message, response)
    }
  }

  private static func trimmed(_ value: FirmwareValue) -> String {
    guard case .text(let text) = value else { return "" }
    var rest = Substring(text)
    while rest.first == " " { rest.removeFirst() }
    while rest.last == " " { rest.removeLast() }
    return String(rest)
  }

  private static func line(_ failure: String?, _ response: FirmwareObject) -> String {
    var object = FirmwareObject()
    object["success"] = .truth(failure == nil)
    if let failure { object["message"] = .text(failure) }
    object["response"] = .object(response)
    var text = ""
    object.write(into: &text)
    return text
  }

  private mutating func carryOut(_ name: String, _ request: FirmwareObject) -> Answer? {
    if let message = refused[name] { return .failed(message) }
    if refuses(name) { return .failed("not now") }
    guard ignored.contains(name) || liesAbout(name) else { return command(name, request) }
    // Acknowledged as if it had been done.
    var copy = self
    return copy.command(name, request)
  }

  private mutating func command(_ name: String, _ request: FirmwareObject) -> Answer? {
    if let answer = general(name, request) { return answer }
    if let answer = analogue(name, request) { return answer }
    if let answer = test(name, request) { return answer }
    if let answer = multiplexer(name, request) { return answer }
    return board.hasSwitches ? electrodes(name, request) : nil
  }

  // MARK: - The board

  private mutating func general(_ name: String, _ request: FirmwareObject) -> Answer? {
    switch name {
    case "getVersion": return .says("version", .text("FW0.1.0"))
    case "getVariant": return .says("variant", .text(board.variant))
    case "getDeviceId": return .says("deviceId", .integer(Int64(deviceID)))
    case "setDeviceId":
      guard let value = request["deviceId"] else { return .lacks("deviceId") }
      guard let number = value.unsigned else { return .failed("deviceId is not integer") }
      deviceID = number
      return .says("deviceId", .integer(Int64(deviceID)))
    case "getSamplePeriod": return .says("samplePeriod", .integer(Int64(samplePeriod / 1_000)))
    case "setSamplePeriod": return setSamplePeriod(request)
    default: return nil
    }
  }

  private mutating func setSamplePeriod(_ request: FirmwareObject) -> Answer {
    guard let value = request["samplePeriod"] else { return .lacks("samplePeriod") }
    guard let milliseconds = value.unsigned else { return .failed("json samplePeriod value is not uin32_t") }
    if milliseconds > 1_000 { return .failed("json samplePeriod value is too large") }
    if milliseconds < 1 { return .failed("json samplePeriod value is too small") }
    samplePeriod = UInt64(milliseconds) * 1_000
    for place in tests.indices {
      tests[place].samplePeriod = samplePeriod
      tests[place].updateStairEnd()
    }
    return .says("samplePeriod", .integer(Int64(milliseconds)))
  }

  // MARK: - Voltage and current

  private mutating func analogue(_ name: String, _ request: FirmwareObject) -> Answer? {
    switch name {
    case "getVolt": return .says("v", .number(setVoltage))
    case "setVolt":
      guard let value = request["v"] else { return .lacks("v") }
      guard let volts = value.anyNumber else { return .failed("unable to convert volt to float") }
      setVolt(volts)
      return .says("v", .number(setVoltage))
    case "getCurr": return .says("i", .number(measuredCurrent))
    case "getRefVolt": return .says("r", .number(measuredReference))
    case "getVoltRange": return .says("voltRange", .text(voltRange.name))
    case "setVoltRange": return setRange("voltRange", \.voltRange, among: ConverterRange.volts, request)
    case "getCurrRange": return .says("currRange", .text(currentRange.name))
    case "setCurrRange": return setRange("currRange", \.currentRange, among: board.current.ranges, request)
    default: return nil
    }
  }

  private mutating func setRange(
    _ key: String, _ place: WritableKeyPath<RodeostatInstrument, ConverterRange>, among ranges: [ConverterRange],
    _ request: FirmwareObject
  ) -> Answer {
    guard let value = request[key] else { return .lacks(key) }
    let name = if case .text(let text) = value { text } else { "" }
    let range = ranges.first { $0.name == name }
    if let range { self[keyPath: place] = range }
    let now: [(String, FirmwareValue)] = [(key, .text(self[keyPath: place].name))]
    return range == nil ? .failed("\(key), \(name), not found", now) : .done(now)
  }

  // MARK: - Tests

  private mutating func test(_ name: String, _ request: FirmwareObject) -> Answer? {
    switch name {
    case "stopTest":
      stopTest()
      if multiplexer.isRunning { multiplexer.disconnect() }
      return .done([])
    case "getTestNames": return .says("testNames", .list(tests.map { .text($0.course.rawValue) }))
    case "getMuxTestNames":
      return .says("testNames", .list(tests.filter(\.fitsMultiplexer).map { .text($0.course.rawValue) }))
    case "runTest", "getParam", "setParam", "getTestDoneTime": return named(name, request)
    default: return nil
    }
  }

  private mutating func named(_ name: String, _ request: FirmwareObject) -> Answer {
    guard let value = request["test"] else {
      return name == "runTest" || name == "getParam" ? .lacks("test") : .failed("test key not found")
    }
    let echo = ("test", value)
    guard case .text(let text) = value, let place = tests.firstIndex(where: { $0.course.rawValue == text }) else {
      return .failed("test not found", [echo])
    }
    switch name {
    case "runTest": return run(place, echo)
    case "getParam": return .done([echo, ("param", .object(tests[place].written))])
    case "getTestDoneTime":
      let milliseconds = UInt32(truncatingIfNeeded: tests[place].doneTime / 1_000)
      return .done([echo, ("testDoneTime", .integer(Int64(milliseconds)))])
    default: return setParameters(place, request, echo)
    }
  }

  private mutating func run(_ place: Int, _ echo: (String, FirmwareValue)) -> Answer {
    if multiplexer.isRunning {
      if !tests[place].fitsMultiplexer {
        return .failed("test, \(tests[place].course.rawValue), is not mux compatible", [echo])
      }
      if multiplexer.enabled.isEmpty {
        return .failed("mux running, but no enabled working electrode channels", [echo])
      }
      multiplexer.reference = true
      multiplexer.counter = true
      multiplexer.working = multiplexer.enabled[0]
    }
    startTest(place)
    return .done([echo])
  }

  private mutating func setParameters(
    _ place: Int, _ request: FirmwareObject, _ echo: (String, FirmwareValue)
  ) -> Answer {
    guard let value = request["param"] else { return .failed("key param missing", [echo]) }
    guard case .object(let asked) = value else { return .failed("param not JsonObject", [echo]) }
    let (taken, complaints) = tests[place].set(asked)
    let members = [echo, ("param", FirmwareValue.object(taken))]
    return complaints.isEmpty ? .done(members) : .failed(complaints.joined(separator: ", "), members)
  }

  // MARK: - Electrodes

  private mutating func electrodes(_ name: String, _ request: FirmwareObject) -> Answer? {
    switch name {
    case "getHardwareVersion": return .says("version", .text(board.hardware))
    case "getRefElectConnected": return .says("connected", switches.reference)
    case "getCtrElectConnected": return .says("connected", switches.counter)
    case "getWrkElectConnected": return .says("connected", switches.working)
    case "getAllElectConnected": return .says("connected", switches.areAllConnected)
    case "getElectAutoConnect": return .says("autoConnect", connectsByItself)
    case "setElectAutoConnect":
      return truth("autoConnect", request) { board, value in
        board.connectsByItself = value
        return value
      }
    case "setRefElectConnected": return connect(\.reference, request)
    case "setCtrElectConnected": return connect(\.counter, request)
    case "setWrkElectConnected": return connect(\.working, request)
    case "setAllElectConnected":
      return truth("connected", request) { board, value in
        board.switches.set(value)
        return board.switches.areAllConnected
      }
    case "getRefElectVoltRange": return .says("voltRange", .text(referenceRange.name))
    case "setRefElectVoltRange": return setRange("voltRange", \.referenceRange, among: ConverterRange.volts, request)
    default: return nil
    }
  }

  private mutating func connect(
    _ electrode: WritableKeyPath<ElectrodeSwitches, Bool>, _ request: FirmwareObject
  ) -> Answer {
    truth("connected", request) { board, value in
      board.switches[keyPath: electrode] = value
      return value
    }
  }

  private mutating func truth(
    _ key: String, _ request: FirmwareObject, _ act: (inout RodeostatInstrument, Bool) -> Bool
  ) -> Answer {
    guard let value = request[key] else { return .lacks(key) }
    guard case .truth(let asked) = value else { return .failed("unable to convert '\(key)' to bool") }
    return .says(key, act(&self, asked))
  }

  // MARK: - Multiplexer

  private mutating func multiplexer(_ name: String, _ request: FirmwareObject) -> Answer? {
    let known = [
      "setMuxEnabled", "getMuxEnabled", "setEnabledMuxChannels", "getEnabledMuxChannels", "setMuxRefElectConnected",
      "getMuxRefElectConnected", "setMuxCtrElectConnected", "getMuxCtrElectConnected", "setMuxWrkElectConnected",
      "getMuxWrkElectConnected", "disconnectAllMuxElect",
    ]
    guard known.contains(name) else { return nil }
    if name == "getMuxEnabled" { return .says("muxEnabled", multiplexer.isRunning) }
    guard board.hasMultiplexer else { return .failed("multiplexer hardware not supported") }
    switch name {
    case "setMuxEnabled":
      return truth("muxEnabled", request) { board, value in
        board.multiplexer.isRunning = value
        if !value { board.multiplexer.disconnect() }
        return value
      }
    case "setEnabledMuxChannels": return enableChannels(request)
    case "getEnabledMuxChannels": return .says("muxChannel", .list(multiplexer.enabled.map { .integer($0) }))
    case "getMuxRefElectConnected": return .says("connected", multiplexer.reference)
    case "getMuxCtrElectConnected": return .says("connected", multiplexer.counter)
    case "getMuxWrkElectConnected":
      return .says("connected", multiplexer.working == 0 ? .truth(false) : .integer(multiplexer.working))
    default: return connectMultiplexer(name, request)
    }
  }

  private mutating func enableChannels(_ request: FirmwareObject) -> Answer {
    guard let value = request["muxChannel"] else { return .lacks("muxChannel") }
    guard case .list(let items) = value else { return .failed("muxChannel not a JsonArray") }
    if items.count > 7 { return .failed("muxChannel array too large") }
    var channels: [Int64] = []
    for item in items {
      guard case .integer(let channel) = item else { return .failed("muxChannel element not an int") }
      guard MultiplexerState.channels.contains(channel) else { return .failed("muxChannel element out of range") }
      channels.append(channel)
    }
    multiplexer.enabled = channels
    return .says("muxChannel", .list(items))
  }

  private mutating func connectMultiplexer(_ name: String, _ request: FirmwareObject) -> Answer {
    guard multiplexer.isRunning else { return .failed("mux not enabled - unable to connect/disconnect") }
    switch name {
    case "setMuxRefElectConnected":
      return truth("connected", request) { board, value in
        board.multiplexer.reference = value
        return value
      }
    case "setMuxCtrElectConnected":
      return truth("connected", request) { board, value in
        board.multiplexer.counter = value
        return value
      }
    case "setMuxWrkElectConnected":
      switch request["connected"] {
      case .integer(let channel)? where MultiplexerState.channels.contains(channel):
        multiplexer.working = channel
        return .says("connected", .integer(channel))
      case .truth(false)?:
        multiplexer.working = 0
        return .says("connected", false)
      default: return .failed("unable to convert 'connected' to bool or int")
      }
    default:
      multiplexer.disconnect()
      return .done([])
    }
  }
}
