// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The families that this daemon knows, and which of them speaks at a port. USB strings and people propose; who is there,
// the driver asks. What one family asks must therefore not disturb another's instrument: the first of the list is what a
// named port is taken for where nothing says otherwise, and a thermometer behind a common serial adapter is named with
// its family.

internal import CyclerModel
internal import InstrumentIO
internal import InstrumentKit
internal import LineThermometerDriver
internal import MethodSCRIPTDriver

/// The drivers.
enum InstrumentFamilies {
  /// Adding an instrument is one line here.
  static let all: [any InstrumentDriver.Type] = [MethodSCRIPTDriver.self, LineThermometerDriver.self]

  /// The names that may stand before a named port.
  static var names: [String] { all.map { $0.descriptor.family } }

  /// A family by its name.
  static func named(_ name: String) -> (any InstrumentDriver.Type)? { all.first { $0.descriptor.family == name } }

  /// What is wrong with a port as it was named; nil when nothing is.
  static func problem(withPort text: String) -> String? {
    guard let family = NamedPattern(text).family, named(family) == nil else { return nil }
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
