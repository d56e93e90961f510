// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Foundation
import Testing

/// What stands on the wire.
@Suite struct WireTests {
  private func json(_ value: some Encodable) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(try WireCoding.encode(value)))
    return try #require(object as? [String: Any])
  }

  private static let cellRequest = CellRequest(
    cell: "c", external_id: "b", batch: "x", role: "anode-half-cell", active_mass_ug: 1, active_mass_basis: "b",
    active_mass_uncertainty_ug: 2, area_mm2: 3.5, nominal_capacity_mAh: 0.25, electrolyte: "e",
    counter_electrode: "Na", notes: "n")
  private static let revision = CellRevisionRequest(
    reason: "r", external_id: "b", batch: "x", active_mass_ug: 1, active_mass_basis: "b",
    active_mass_uncertainty_ug: 2, area_mm2: 3.5, nominal_capacity_mAh: 0.25, electrolyte: "e",
    counter_electrode: "Na", notes: "n")
  private static let check = CheckRequest(
    protocols: [source], cell: "c", channel: "d", active_mass_ug: 1, area_mm2: 2, nominal_capacity_mAh: 3,
    set: ["a=1"])
  private static let start = StartRequest(
    protocols: [source], channels: ["a"], cells: ["b"], active_mass_ug: 1, area_mm2: 2, nominal_capacity_mAh: 3,
    set: ["a=1"], allow_voltage: "w", accept_no_hardware_limits: true, on_resistor: true)
  private static let source = ProtocolSource(name: "p", text: "{}")

  /// A request with all its keys, and whether it comes back.
  private func keys<Request: StrictRequest & Equatable>(of request: Request) throws -> Bool {
    let bytes = try WireCoding.encode(request)
    #expect(try WireCoding.decodeRequest(Request.self, from: bytes) == request)
    guard case .object(let keys) = Request.shape else { return false }
    return Set(try json(request).keys) == Set(keys.keys)
  }

  @Test func everyRequestKnowsExactlyItsOwnKeys() throws {
    #expect(try keys(of: Self.cellRequest))
    #expect(try keys(of: CellImportRequest(cells: [Self.cellRequest])))
    #expect(try keys(of: Self.revision))
    #expect(try keys(of: Self.source))
    #expect(try keys(of: Self.check))
    #expect(try keys(of: Self.start))
    #expect(try keys(of: NoteRequest(text: "t")))
    #expect(try keys(of: CommandRequest(reason: "r", step: 3, allow_voltage: "v")))
    #expect(try keys(of: ClearRequest(reason: "r")))
    #expect(try keys(of: MountRequest(cell: "c", wiring: "4-wire")))
    #expect(try keys(of: ObserveRequest(thermometer: "T-1")))
    #expect(try keys(of: TranscriptRequest(seconds: 1, note: "n")))
    #expect(try keys(of: IdentifyRequest(port: "p")))
  }

  @Test func whatIsNotKnownIsNullAndNotLeftOut() throws {
    let frame = CycleFrame(run: 1, cell: "c", cycle_number: 1, cell_cycle_number: 1, flags: [])
    let object = try json(frame)
    #expect(object["coulombic_efficiency"] is NSNull)
    #expect(object["charge_capacity_Ah"] is NSNull)
    #expect(try WireCoding.decode(CycleFrame.self, from: try WireCoding.encode(frame)) == frame)
  }

  @Test func aMissingKeyIsReadAsNull() throws {
    let text = #"{"run":1,"cell":"c","cycle_number":2,"cell_cycle_number":3,"flags":[],"from_a_newer_daemon":1}"#
    let frame = try WireCoding.decode(CycleFrame.self, from: Array(text.utf8))
    #expect(frame.coulombic_efficiency == nil)
    #expect(frame.cell_cycle_number == 3)
  }

  @Test func nanovoltsSurviveTheWire() throws {
    // Seeded, and the seed is in the name of a failure.
    var generator = SplitMix(seed: 2_024)
    for _ in 0..<2_000 {
      let nanovolts = Int64.random(in: -5_000_000_000...5_000_000_000, using: &generator)
      let nanocoulombs = Int64.random(in: -20_000_000_000_000...20_000_000_000_000, using: &generator)
      let distance = CutoffDistance(condition: "", remaining: Double(nanovolts) / 1e9, unit: "V")
      let voltage = try WireCoding.decode(CutoffDistance.self, from: try WireCoding.encode(distance)).remaining
      #expect(Int64((voltage * 1e9).rounded()) == nanovolts, "seed 2024")
      let ampereHours = CutoffDistance(condition: "", remaining: Double(nanocoulombs) / 3.6e12, unit: "Ah")
      let charge = try WireCoding.decode(CutoffDistance.self, from: try WireCoding.encode(ampereHours)).remaining
      #expect(Int64((charge * 3.6e12).rounded()) == nanocoulombs, "seed 2024")
    }
  }

  @Test func circuitStatesAreSpelledAsPeopleSeeThem() {
    #expect(CircuitState.allCases.map(\.rawValue) == ["closed", "open (confirmed)", "open (lease expired)", "unknown"])
  }

  @Test(arguments: [
    (#"{"reason":"a"} x"#, "line 1, column 16"), ("", "line 1, column 1"), ("{\n \"reson\":\"a\"}", "line 2, column 2"),
    (#"{"reason":"a""#, "column 14"), (#"{"reason":01}"#, "leading zero"), (#"{"reason":"\x"}"#, "unknown escape"),
    ("{\"reason\":\"\u{1}\"}", "control character"), (#"{"reason":tru}"#, "value is expected"),
    (#"{"reason":{"a":1}}"#, "object is not expected at reason"), (#"{reason:"a"}"#, "double quotes"),
    (String(repeating: "[", count: 40), "nested deeper"), (#"{"reason":1.}"#, "digit is expected"),
    (#"{"reason":"a","\u0072eason":"b"}"#, "unknown"),
  ])
  func mistakesInJSONAreToldWithTheirPlace(text: String, expected: String) throws {
    let refusal = #expect(throws: RequestRefused.self) {
      _ = try WireCoding.decodeRequest(ClearRequest.self, from: Array(text.utf8))
    }
    #expect(refusal?.body.message.contains(expected) == true, "\(refusal?.body.message ?? "")")
  }

  @Test func aMisspeltKeyNamesTheNearestOne() throws {
    let text =
      #"{"protocols":[{"name":"a","text":"","txt":""}],"channels":[],"cells":[],"accept_no_hardware_limits":false}"#
    let inner = #expect(throws: RequestRefused.self) {
      _ = try WireCoding.decodeRequest(StartRequest.self, from: Array(text.utf8))
    }
    #expect(inner?.body.message.contains("\"txt\" is unknown in protocols[0]") == true)
    #expect(inner?.body.hint == "perhaps \"text\"")
    let outer = #expect(throws: RequestRefused.self) {
      _ = try WireCoding.decodeRequest(StartRequest.self, from: Array(#"{"allow_votlage":"x"}"#.utf8))
    }
    #expect(outer?.body.hint == "perhaps \"allow_voltage\"")
  }

  @Test func bytesThatAreNotTextAreRefused() {
    #expect(throws: RequestRefused.self) {
      _ = try WireCoding.decodeRequest(
        ClearRequest.self, from: Array(#"{"reason":""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8))
    }
  }

  @Test func cursorsComeBack() {
    var cursor = StreamCursor()
    cursor.event = 118
    cursor[run: 7] = .init(run: 7, stepCount: 5, recordIndex: 42, cycleNumber: 2)
    cursor[run: 3] = .init(run: 3)
    #expect("\(cursor)" == "e118_r3s0i-1c0_r7s5i42c2")
    #expect(StreamCursor("\(cursor)") == cursor)
    #expect(cursor[run: 99].recordIndex == -1)
    cursor.leave(7)
    #expect("\(cursor)" == "e118_n7_r3s0i-1c0")
    #expect(StreamCursor("\(cursor)") == cursor)
    #expect([3, 4, 7, 8].map(cursor.mayFollow) == [true, false, false, true])
  }

  @Test func cursorsPassOverFrames() {
    var cursor = StreamCursor(event: 1, runs: [.init(run: 3, stepCount: 1, recordIndex: 2, cycleNumber: 1)])
    cursor.pass(OperationsDouble().record(7).body)
    cursor.pass(.cycle(CycleFrame(run: 9, cell: "c", cycle_number: 4, cell_cycle_number: 4, flags: [])))
    cursor.pass(.event(EventFrame(event: 8, unix_us: 2, code: "c", severity: "info", actor: "me", detail: "d")))
    cursor.pass(.ready)
    #expect("\(cursor)" == "e8_r3s1i7c1_r9s0i-1c4")
  }

  /// The quick writer must not be told from the general one.
  @Test(arguments: [0, -0.0, 1, 5e15, 1e16, 1e-5, 0.1, -3.700000001, 1.0 / 3, 1e300, 2.5e-308, -12_345_678])
  func recordsAreWrittenLikeEverythingElse(number: Double) throws {
    let text =
      "\"a/b\\c\" ä\u{1F50B}\u{7F}\u{2028}" + String(decoding: (0..<32 as Range<UInt8>).map { $0 }, as: UTF8.self)
    for isKnown in [true, false] {
      let record = RecordFrame(
        run: 3, cell: text, channel: "bench/1 ä", cycle_number: isKnown ? 7 : nil,
        cell_cycle_number: isKnown ? .max : nil, step_count: 1, step_kind: "rest", step_path: "steps[0]",
        step_label: isKnown ? "" : nil, direction: "none", step_record_index: -1, test_time_s: number,
        step_time_s: -number, unix_us: .min, voltage_V: isKnown ? number : nil, current_A: isKnown ? nil : number,
        temperature_degC: isKnown ? number : nil,
        step_charge_Ah: number, step_energy_Wh: number,
        next_cutoff: isKnown ? CutoffDistance(condition: text, remaining: number, unit: "V") : nil,
        flags: isKnown ? ["gap", text] : [])
      var bytes: [UInt8] = []
      try StreamFrame(cursor: nil, body: .record(record)).write(to: &bytes)
      let general = String(decoding: try WireCoding.encode(record), as: UTF8.self)
      #expect(String(decoding: bytes, as: UTF8.self) == "event: record\ndata: \(general)\n\n")
    }
    let impossible = RecordFrame(
      run: 3, cell: "", channel: "", step_count: 1, step_kind: "", step_path: "", direction: "", step_record_index: 0,
      test_time_s: number, step_time_s: .infinity, unix_us: 0, step_charge_Ah: 0, step_energy_Wh: 0, flags: [])
    var bytes: [UInt8] = []
    #expect(throws: EncodingError.self) { try StreamFrame(cursor: nil, body: .record(impossible)).write(to: &bytes) }
  }

  @Test(arguments: [
    "", "e", "118", "e-1", "e1_", "e1_r1", "e1_r1s1i1c1x", "e1_r1s1i1c1_r1s2i1c1", "e1_r0s1i1c1", "e1_r1s1i-2c1",
    "e1_r1s1i99999999999c1", "e1 ",
  ])
  func whatIsNoCursorIsNotTakenForOne(text: String) { #expect(StreamCursor(text) == nil) }

  @Test func runsAreNamedByNumberOrLast() {
    #expect(RunReference("last") == .last)
    #expect(RunReference("12") == .number(12))
    for text in ["", "0", "-1", "+1", "first", "1 "] { #expect(RunReference(text) == nil) }
  }

  @Test func eventsMayBeSplitAnywhere() throws {
    let stream = Array(
      ": hello\nid: a\r\nevent: record\ndata: {\"x\":\ndata: 1}\n\ndata: none\n\nid: b\ndata:2\n\nevent: lonely\n\n"
        .utf8)
    let expected: [ServerSentEventParser.Event] = [
      .init(id: "a", kind: "record", data: Array("{\"x\":\n1}".utf8)),
      .init(id: "", kind: "message", data: Array("none".utf8)), .init(id: "b", kind: "message", data: [0x32]),
    ]
    for split in 0...stream.count {
      var parser = ServerSentEventParser()
      var events: [ServerSentEventParser.Event] = []
      try parser.feed(stream[..<split], into: &events)
      try parser.feed(stream[split...], into: &events)
      #expect(events == expected, "split at \(split)")
    }
  }

  @Test func framesComeBackFromTheirEvents() throws {
    let operations = OperationsDouble()
    let status = RunStatus(
      run: 3, uuid: "u", cell: "c", channel: "d", title: "t", state: "running", is_over: false, started_by: "me")
    let event = EventFrame(event: 1, unix_us: 2, code: "run.started", severity: "info", actor: "me", detail: "d")
    let cycle = CycleFrame(run: 1, cell: "c", cycle_number: 1, cell_cycle_number: 1, flags: ["gap"])
    let bodies: [StreamFrame.Body] = [
      operations.record(4).body, .cycle(cycle), .event(event), .run(status), .ready, .bye(.complete), .bye(.stopping),
      .bye(.failed),
    ]
    var parser = ServerSentEventParser()
    for body in bodies {
      let frame = StreamFrame(cursor: operations.cursor(4), body: body)
      var events: [ServerSentEventParser.Event] = []
      var bytes: [UInt8] = []
      try frame.write(to: &bytes)
      try parser.feed(bytes, into: &events)
      let parsed = try #require(events.first)
      #expect(try StreamFrame(id: parsed.id, kind: parsed.kind, data: parsed.data) == frame)
    }
    #expect(try StreamFrame(id: "e1", kind: "of a newer daemon", data: []) == nil)
  }

  @Test func percentEncodingComesBack() {
    for name in ["a", "bench/1 ä", "100%", "ü?#&=+", "~-_."] {
      #expect(PercentEncoding.decode(PercentEncoding.encode(name)) == name)
    }
    for bad in ["%", "%4", "%zz", "%+1", "%FF"] { #expect(PercentEncoding.decode(bad) == nil) }
  }
}

/// A small seeded generator (SplitMix64, Steele, Lea and Flood 2014), so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
