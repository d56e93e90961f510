// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Which ports have been reported, and what to report when the world looks different. Pure, so that the order of
// reports can be tested without a device.

/// A change among the ports.
public enum PortChange: Sendable, Hashable {
  /// A port is there; open it to see who answers.
  case appeared(PortCandidate)
  /// A reported port is gone, or something else is there under its name (`appeared` follows then).
  case vanished(PortCandidate)
}

/// The ports that were reported.
struct PortCensus {
  /// What makes two sightings the same port.
  private enum Identity: Hashable {
    /// A named port is the line that its name leads to. What the bus says of it may arrive later and changes nothing:
    /// the port may be open by then.
    case named(NamedPorts.Found)
    /// A plugged port is what the bus says: another device under the same name is another port.
    case plugged(PortCandidate)
  }

  private struct Sighting {
    let identity: Identity
    let candidate: PortCandidate
  }

  private var reported: [Sighting] = []

  /// Compares with what was reported.
  ///
  /// - Parameters:
  ///   - named: What the patterns lead to, in their order, each node once.
  ///   - plugged: What the bus has, by device node. A node that is also named keeps the given name, and what the bus
  ///     says of it is added.
  /// - Returns: First all that vanished, then all that appeared.
  mutating func update(named: [NamedPorts.Found], plugged: [PortCandidate]) -> [PortChange] {
    let descriptions = Dictionary(plugged.map { ($0.path, $0) }) { first, _ in first }
    let taken = Set(named.map(\.node))
    var present = named.map { found in
      var candidate = descriptions[found.node] ?? PortCandidate(path: found.node, origin: .named)
      candidate.path = found.path
      candidate.origin = .named
      candidate.family = found.family
      return Sighting(identity: .named(found), candidate: candidate)
    }
    present += plugged.filter { !taken.contains($0.path) }.map { Sighting(identity: .plugged($0), candidate: $0) }

    let before = Set(reported.map(\.identity))
    let after = Set(present.map(\.identity))
    let vanished = reported.filter { !after.contains($0.identity) }.map { PortChange.vanished($0.candidate) }
    let appeared = present.filter { !before.contains($0.identity) }.map { PortChange.appeared($0.candidate) }
    reported = present
    return vanished + appeared
  }
}
