// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The families that this daemon knows, and which of them speaks at a port. Product strings and people propose; who is there,
// the driver asks. The first bytes to a port are those that stop an instrument, so a family that cannot be told from its USB
// strings is asked for only where a person named the port with it (ADR 18). The first of the list is what a port is taken for
// that was named without.

internal import BatlabDriver
internal import CyclerModel
internal import InstrumentIO
internal import InstrumentKit
internal import KeithleySCPIDriver
internal import KeithleyTSPDriver
internal import LineThermometerDriver
internal import MethodSCRIPTDriver
internal import ReplayDriver
internal import RodeostatDriver
internal import TDstatDriver
internal import ZKEtechEBCDriver

/// The drivers.
enum InstrumentFamilies {
  /// Adding an instrument is one line here.
  static let all: [any InstrumentDriver.Type] = [
    MethodSCRIPTDriver.self,
    BatlabDriver.self,
    KeithleySCPIDriver.self,
    KeithleyTSPDriver.self,
    ReplayDriver.self,
    RodeostatDriver.self,
    TDstatDriver.self,
    ZKEtechEBCDriver.self,
    LineThermometerDriver.self,
  ]

  /// The names that may stand before a named port.
  static var names: [String] { all.map { $0.descriptor.family } }

  /// A family by its name.
  static func named(_ name: String) -> (any InstrumentDriver.Type)? { all.first { $0.descriptor.family == name } }

  /// What is wrong with a port as it was named; nil when nothing is.
  static func problem(withPort text: String) -> String? {
    if text.hasPrefix(SocketAddress.scheme) { return problem(withAddress: text) }
    let pattern = NamedPattern(text)
    if let problem = SocketAddress.problem(with: pattern.glob) { return "--port \(problem)" }
    guard let family = pattern.family, named(family) == nil else { return nil }
    return
      "--port \(text): `\(family)` is no family of instruments; known are \(names.joined(separator: ", ")), and a path "
      + "with a colon in it is written ./\(text)"
  }

  /// An address on the network that was named without saying who listens there.
  private static func problem(withAddress text: String) -> String {
    if let problem = SocketAddress.problem(with: text) {
      return "--port \(problem), with the family in front: keithley_scpi:tcp://192.168.1.20:5025"
    }
    let families = all.filter { $0.descriptor.bulk == nil }.map { $0.descriptor.family }
    return
      "--port \(text) does not say who listens there: write FAMILY:\(text), where FAMILY is one of "
      + "\(families.joined(separator: ", ")); `nactl identify \(text)` asks who it is"
  }

  /// Who speaks at a port; nil when the port is nobody's.
  static func driver(at candidate: PortCandidate) -> (any InstrumentDriver.Type)? {
    if let family = candidate.family { return named(family) }
    let described = all.first { driver in driver.descriptor.matches.contains { $0.fits(candidate) } }
    switch candidate.origin {
    case .plugged: return described
    case .named: return described ?? all.first
    }
  }
}

extension InstrumentFamilies {
  /// Which families may be at a port of which only the name is known, in the order in which to ask for them: first those
  /// whose words are lines of text, which a stranger takes for a wrong command, then those that listen, and those whose words
  /// are single bytes at last. What is a USB device of its own class is known by its strings.
  static func asked(at path: String) -> [any InstrumentDriver.Type] {
    let isDevice = InstrumentPorts.node(at: path).hasPrefix("/dev/bus/usb/")
    return all.filter {
      let hasPipes = $0.descriptor.bulk != nil
      return isDevice ? hasPipes || $0.descriptor.carriesMessages : !hasPipes
    }
    .enumerated().sorted { (boldness($0.element), $0.offset) < (boldness($1.element), $1.offset) }.map(\.element)
  }

  private static func boldness(_ family: any InstrumentDriver.Type) -> Int {
    let words = family.safeStopBytes
    if words.isEmpty { return 1 }
    return words.allSatisfy { (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x0D } ? 0 : 2
  }
}

extension LaboratoryConfiguration {
  /// What is wrong with a port as a person named it; nil when nothing is.
  public static func problem(withPort text: String) -> String? { InstrumentFamilies.problem(withPort: text) }
}
