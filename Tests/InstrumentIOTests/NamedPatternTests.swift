// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import InstrumentIO
import InstrumentKit
import Testing

@Suite struct NamedPatternTests {
  @Test(
    arguments: [
      ("/dev/ttyUSB0", nil, "/dev/ttyUSB0"), ("links/*", nil, "links/*"),
      ("line_thermometer:/dev/ttyUSB0", "line_thermometer", "/dev/ttyUSB0"),
      ("methodscript:links/*", "methodscript", "links/*"),
      ("/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0", nil, "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0"),
      ("./odd:name", nil, "./odd:name"), ("line_thermometer:", nil, "line_thermometer:"), (":x", nil, ":x"),
      ("Line:/dev/x", nil, "Line:/dev/x"),
      ("line_thermometer:/dev/pci-0000:00", "line_thermometer", "/dev/pci-0000:00"),
    ] as [(String, String?, String)])
  func aFamilyStandsBeforeAColon(text: String, family: String?, glob: String) {
    let pattern = NamedPattern(text)
    #expect(pattern.family == family && pattern.glob == glob)
  }

  @Test func aNamedPortIsOfTheFamilyThatItsNameSays() {
    let potentiostat = InstrumentDescriptor(
      family: "methodscript", baudRate: 9_600, matches: [MatchRule(productPrefix: "EmStat4")], maturity: .emulatedOnly)
    let thermometer = InstrumentDescriptor(
      family: "line_thermometer", baudRate: 9_600, matches: [MatchRule(productPrefix: "NaCycler thermometer")],
      maturity: .emulatedOnly)
    let named = PortCandidate(path: "/dev/ttyUSB0", origin: .named, family: "line_thermometer")
    #expect(thermometer.mayBe(at: named) && !potentiostat.mayBe(at: named))
    let plugged = PortCandidate(path: "/dev/ttyACM0", origin: .plugged, product: "NaCycler thermometer 1")
    #expect(thermometer.mayBe(at: plugged) && !potentiostat.mayBe(at: plugged))
    let unsaid = PortCandidate(path: "/dev/ttyUSB0", origin: .named)
    #expect(thermometer.mayBe(at: unsaid) && potentiostat.mayBe(at: unsaid), "nobody has said what is there")
  }
}
