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
    let pattern = NamedPattern(text)
    if let problem = SocketAddress.problem(with: pattern.glob) { return "--port \(problem)" }
    guard let family = pattern.family, named(family) == nil else { return nil }
    return
      "--port \(text): `\(family)` is no family of instruments; known are \(names.joined(separator: ", ")), and a path "
      + "with a colon in it is written ./\(text)"
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

extension LaboratoryConfiguration {
  /// What is wrong with a port as a person named it; nil when nothing is.
  public static func problem(withPort text: String) -> String? { InstrumentFamilies.problem(withPort: text) }
}
