// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import CyclerModel
import InstrumentIO
import InstrumentKit
import Quantities
import Testing

@testable import CyclerService

@Suite struct ObservationCellTests {
  @Test(arguments: [0, 25_000, -273_150, -12_345, 60_063, 1_800_000] as [Int64])
  func aWordHoldsTemperatureAndArrival(millidegrees: Int64) {
    let cell = ObservationCell()
    #expect(cell.observation == nil && cell.latest == 0)
    // Ten years after boot.
    let arrived = HostInstant(microseconds: 315_360_000_123_000)
    cell.post(Temperature(millidegrees: millidegrees), at: arrived)
    #expect(cell.observation == ObservedTemperature(Temperature(millidegrees: millidegrees), arrivedAt: arrived))
  }

  @Test func whatIsBeyondAWordIsItsEnd() {
    let cell = ObservationCell()
    cell.post(Temperature(millidegrees: -300_000), at: HostInstant(microseconds: 0))
    #expect(cell.latest != 0 && cell.observation?.temperature.millidegrees == -273_150)
    cell.post(Temperature(millidegrees: .max / 2), at: HostInstant(microseconds: 5_999))
    let warmest = Temperature(millidegrees: 1_824_001)
    #expect(cell.observation?.temperature == warmest)
    #expect(cell.observation?.arrivedAt == HostInstant(microseconds: 5_000))
  }

  @Test func aPortIsOfTheFamilyThatSomebodyNamesOrUSBSays() throws {
    func family(_ candidate: PortCandidate) -> String? {
      InstrumentFamilies.driver(at: candidate)?.descriptor.family
    }
    #expect(family(PortCandidate(path: "/dev/ttyUSB0", origin: .named)) == "methodscript")
    #expect(family(PortCandidate(path: "p", origin: .named, family: "line_thermometer")) == "line_thermometer")
    #expect(family(PortCandidate(path: "p", origin: .named, product: "NaCycler thermometer")) == "line_thermometer")
    #expect(family(PortCandidate(path: "p", origin: .plugged, product: "EmStat4 HR")) == "methodscript")
    #expect(family(PortCandidate(path: "p", origin: .plugged, product: "NaCycler thermometer 2")) == "line_thermometer")
    #expect(family(PortCandidate(path: "p", origin: .plugged, product: "USB Serial")) == nil)
    #expect(InstrumentFamilies.problem(withPort: "line_thermometer:/dev/ttyUSB0") == nil)
    #expect(InstrumentFamilies.problem(withPort: "/dev/by-path/pci-0:1") == nil)
    #expect(InstrumentFamilies.problem(withPort: "thermometer:/dev/ttyUSB0")?.contains("line_thermometer") == true)
    let address = try #require(InstrumentFamilies.problem(withPort: "tcp://192.168.1.20:5025"))
    #expect(address.contains("FAMILY:tcp://192.168.1.20:5025") && address.contains("keithley_tsp"), "\(address)")
    #expect(!address.contains("tdstat"), "that one is a USB device and nothing else: \(address)")
    #expect(InstrumentFamilies.problem(withPort: "keithley_scpi:tcp://192.168.1.20:5025") == nil)
    let name = try #require(InstrumentFamilies.problem(withPort: "tcp://keithley.local:5025"))
    #expect(name.contains("numeric address") && name.contains("keithley_scpi:tcp://"), "\(name)")
  }
}
