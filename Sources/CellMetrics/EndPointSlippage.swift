// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Where the ends of charging and discharging stand on one running count of charge, and how far each moves from one cycle
// to the next (docs/metrics.md, "End-point slippage"). A parasitic current shows there as the charge that it took.

public import CyclerModel
public import Quantities

/// Slippage of the end-points, from half-cycles in the order in which they ran.
public struct EndPointSlippage: Sendable, Hashable {
  private var chargeEnd: Charge?
  private var dischargeEnd: Charge?

  /// Nothing counted yet.
  public init() {}

  /// Takes the next half-cycle.
  /// - Parameters:
  ///   - end: The net charge at its end, positive charging, of everything that flowed until then; nil where charge was
  ///     missed on the way, and then the comparison begins anew.
  ///   - isEndPoint: Whether its end is an end-point, and not where somebody stopped it.
  /// - Returns: How far its end-point moved since the one before of the same direction, positive charging; nil for the
  ///   first one.
  public mutating func take(_ direction: Direction, end: Charge?, isEndPoint: Bool) -> Charge? {
    guard let end else {
      self = EndPointSlippage()
      return nil
    }
    let point = isEndPoint ? end : nil
    switch direction {
    case .charge:
      defer { chargeEnd = point }
      return Self.moved(chargeEnd, point)
    case .discharge:
      defer { dischargeEnd = point }
      return Self.moved(dischargeEnd, point)
    case .none: return nil
    }
  }

  private static func moved(_ before: Charge?, _ now: Charge?) -> Charge? {
    guard let before, let now else { return nil }
    return Charge(nanocoulombs: now.nanocoulombs &- before.nanocoulombs)
  }

  func encode(into writer: inout ByteWriter) {
    writer.write(chargeEnd?.nanocoulombs)
    writer.write(dischargeEnd?.nanocoulombs)
  }

  init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
    chargeEnd = try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:))
    dischargeEnd = try reader.readOptional(Int64.self).map(Charge.init(nanocoulombs:))
  }
}
