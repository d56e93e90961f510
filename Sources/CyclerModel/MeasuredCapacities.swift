// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import Quantities

/// What the cycles of a run have shown, as far as the shares of its program need it.
public struct MeasuredCapacities: Sendable, Hashable {
  /// The capacities of one cycle; nil before it, and where they are not known.
  private struct Capacities: Hashable {
    var charge: Charge?
    var discharge: Charge?
  }
  /// A cycle that a share names.
  private struct Named: Hashable {
    var cycle: CycleReference
    var shown: Capacities
  }
  private static let purposes = CyclePurpose.allCases
  /// Of the last whole cycle.
  private var last = Capacities()
  /// As many as a program has names for.
  private var named: [Named] = []
  /// How many cycles each purpose has had.
  private var counts = [Int64](repeating: 0, count: purposes.count)

  /// Nothing yet.
  public init() {}

  /// Of a run whose cycles nobody has counted from its beginning: which cycle is which is not known, so none is named.
  public static var uncounted: MeasuredCapacities {
    var measured = MeasuredCapacities()
    measured.counts = Array(repeating: .min, count: purposes.count)
    return measured
  }

  /// Takes the next cycle. One that was cut short, began in the middle, was clipped or moved hardly anything shows no
  /// capacity; one that was only interrupted does.
  /// - Parameter isNamed: Whether a share names the cycle.
  public mutating func take(_ cycle: CycleSummary, isNamed: (CycleReference) -> Bool) {
    let isWhole = cycle.flags.isDisjoint(with: [.truncated, .partialStart, .chargeUnknown, .overload, .empty])
    let shown = isWhole ? Capacities(charge: cycle.chargeCapacity, discharge: cycle.dischargeCapacity) : Capacities()
    last = Capacities(charge: shown.charge ?? last.charge, discharge: shown.discharge ?? last.discharge)
    guard let purpose = cycle.purpose, let place = Self.purposes.firstIndex(of: purpose) else { return }
    counts[place] += 1
    let reference = CycleReference(purpose: purpose, number: counts[place])
    if isNamed(reference) { named.append(Named(cycle: reference, shown: shown)) }
  }

  /// Whether a cycle is over and nothing is remembered of it, or nobody knows which it is.
  public func hasForgotten(_ cycle: CycleReference) -> Bool {
    guard let place = Self.purposes.firstIndex(of: cycle.purpose) else { return true }
    if counts[place] < 0 { return true }
    return cycle.number <= counts[place] && !named.contains { $0.cycle == cycle }
  }

  /// A share in picoamperes or nanocoulombs, rounded once, as large as 64 bits hold at most; nil while the capacity is not
  /// known.
  public func amount(of share: MeasuredShare) -> Int64? {
    let shown = share.cycle.map { cycle in named.first { $0.cycle == cycle }?.shown ?? Capacities() } ?? last
    let capacity = share.capacity == .charge ? shown.charge : shown.discharge
    return capacity.map { share.factor.of($0.nanocoulombs) ?? .max }
  }

  /// Writes them for a checkpoint.
  public func encode(into writer: inout ByteWriter) {
    writer.write(last.charge?.nanocoulombs)
    writer.write(last.discharge?.nanocoulombs)
    for count in counts { writer.write(count) }
    writer.write(Int32(named.count))
    for entry in named {
      writer.write(entry.cycle.purpose.rawValue)
      writer.write(entry.cycle.number)
      writer.write(entry.shown.charge?.nanocoulombs)
      writer.write(entry.shown.discharge?.nanocoulombs)
    }
  }

  /// Reads them.
  /// - Throws: `ByteReader.Malformed` with the place, when the bytes end early or cannot be such a state.
  public init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    last = try Self.capacities(from: &reader)
    for place in counts.indices { counts[place] = try reader.read() }
    let count: Int32 = try reader.read()
    guard count >= 0 else { throw reader.malformed }
    for _ in 0..<count {
      guard let purpose = CyclePurpose(rawValue: try reader.readString()) else { throw reader.malformed }
      let cycle = CycleReference(purpose: purpose, number: try reader.read())
      named.append(Named(cycle: cycle, shown: try Self.capacities(from: &reader)))
    }
  }

  private static func capacities(from reader: inout ByteReader) throws(ByteReader.Malformed) -> Capacities {
    let charge = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
    let discharge = try reader.readOptional(Int64.self).map { Charge(nanocoulombs: $0) }
    return Capacities(charge: charge, discharge: discharge)
  }
}
