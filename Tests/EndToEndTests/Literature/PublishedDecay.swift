// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Foundation

/// A row of the review's Table 1: how fast a hard-carbon half cell lost its capacity.
struct PublishedDecay: Sendable, CustomStringConvertible {
  /// Names the protocol in `Protocols/literature` and the virtual cell in `VirtualCells/literature`.
  var identifier: String
  var material: String
  /// A/g.
  var current: Double
  var cycles: Int
  /// Per cent a cycle.
  var decay: Double
  var description: String { identifier }

  static let table1: [PublishedDecay] = [
    .init("t1-01", "zeolite-film-modified hard carbon", 0.2, 1900, 0.0068),
    .init("t1-02", "zeolite-film-modified hard carbon", 0.5, 4000, 0.0015),
    .init("t1-03", "zeolite-film-modified hard carbon", 1, 4500, 0.002),
    .init("t1-04", "HCM-1300-ZBE", 2, 3000, 0.002),
    .init("t1-05", "CMS", 0.1, 300, 0.0372),
    .init("t1-06", "CPs", 0.5, 500, 0.02),
    .init("t1-07", "BPC-11", 2, 3000, 0.0133),
    .init("t1-08", "S-HC-p", 1, 4000, 0.005),
    .init("t1-09", "HCNS", 1, 3000, 0.0094),
    .init("t1-10", "MV-HC", 0.2, 1100, 0.015),
    .init("t1-11", "HC-ether", 1, 2000, 0.005),
    .init("t1-12", "HCP", 0.2, 1000, 0.007),
    .init("t1-13", "HC-DME-0.5%VC", 1, 2000, 0.0022),
    .init("t1-14", "HC-0.5 M NaBPh4/DME", 1, 1500, 0.012),
    .init("t1-15", "HC-Al2O3", 1, 2000, 0.00655),
    .init("t1-16", "HTCS-1000", 1, 1000, 0.0197),
  ]

  /// Those that `NACYCLER_LITERATURE` names, with commas between, or `all`; without it a short one.
  static var chosen: [PublishedDecay] {
    guard let names = ProcessInfo.processInfo.environment["NACYCLER_LITERATURE"] else {
      return table1.filter { $0.identifier == "t1-05" }
    }
    if names == "all" { return table1 }
    let wanted = names.split(separator: ",")
    return table1.filter { wanted.contains(Substring($0.identifier)) }
  }

  private init(_ identifier: String, _ material: String, _ current: Double, _ cycles: Int, _ decay: Double) {
    self.identifier = identifier
    self.material = material
    self.current = current
    self.cycles = cycles
    self.decay = decay
  }
}
