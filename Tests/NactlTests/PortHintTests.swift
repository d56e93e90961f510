// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ControlAPI
import Testing

@testable import nactl

/// What a person is told of ports at which nobody is.
@Suite struct PortHintTests {
  @Test func aPatternThatMatchesNothingIsTold() {
    let text = Channels.text(unmatched: "batlab:/dev/ttyUSB*")
    #expect(text.hasPrefix("--port batlab:/dev/ttyUSB* matches no port now"))
    #expect(text.contains("`ls -l /dev/ttyUSB*`"))
    #expect(Channels.text(unmatched: "links/a*").contains("`ls -l links/a*`"))
    #expect(Channels.text(unmatched: "/dev/pci-0:1*").contains("`ls -l /dev/pci-0:1*`"))
  }

  @Test func whoIsNotDrivenIsToldWithTheReason() {
    let refusal = FamilyRefusal(
      instrument_family: "zketech_ebc", code: "link.identity", message: "model 7 is none that the driver knows")
    let found = IdentifiedPort(
      request_id: "1", port: "/dev/ttyUSB0", asked: ["batlab", "zketech_ebc"], refusals: [refusal])
    let text = Identify.text(found)
    #expect(text.contains("zketech_ebc does not drive it: link.identity: model 7 is none that the driver knows"))
    #expect(!text.contains("nobody answered") && text.contains("hint: "))
    let silence = Identify.text(IdentifiedPort(request_id: "1", port: "/dev/ttyUSB0", asked: ["batlab"]))
    #expect(silence.hasPrefix("nobody answered at /dev/ttyUSB0; asked for batlab\n"))
  }

  @Test func aNameIsMadeWholeForTheDaemonWhereItIsAFileHere() throws {
    #expect(Identify.whole("/dev/ttyUSB0") == "/dev/ttyUSB0")
    #expect(Identify.whole("tcp://127.0.0.1:5025") == "tcp://127.0.0.1:5025")
    let here = Identify.whole(".")
    #expect(here.hasPrefix("/") && here.hasSuffix("/."))
  }
}
