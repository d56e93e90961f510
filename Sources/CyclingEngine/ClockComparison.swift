// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// How an instrument's clock runs against the host's. Charge is current times the instrument's own time, so a clock that
// runs wrong makes every capacity wrong by as much, and nothing else in the numbers shows it (hazard rule 22).
//
// It corrects nothing: within a half-cycle the instrument's clock counts alone. Pure; the clocks come in as inputs.

public import CyclerModel
public import Quantities

/// Compares the time stamps of readings with their arrival, over an hour of set-points at a time.
public struct ClockComparison: Sendable, Hashable {
  /// How much time is compared before a judgement; so one is made hourly at most.
  public static let interval = TimeSpan(seconds: 3_600)
  /// For so long after the interval the smallest difference counts: a reading that came late is not a wrong clock.
  public static let confirmation = TimeSpan(seconds: 60)
  /// What is told: more than so many millionths, 3.6 s in an hour. A quartz is good for a tenth of that.
  public static let tolerablePartsPerMillion: Int64 = 1_000

  private struct Pair: Sendable, Hashable {
    var host: HostInstant
    var instrument: TimeSpan
  }
  /// Both clocks' time within earlier set-points; between set-points the instrument's clock may stand still.
  private var hostBefore = TimeSpan.zero
  private var instrumentBefore = TimeSpan.zero
  private var first: Pair?
  private var last: Pair?
  /// The smallest difference since the interval was over, in millionths.
  private var smallest: Int64?

  /// A comparison that has seen nothing.
  public init() {}

  /// A set-point began: the time stamps begin anew.
  public mutating func setpointBegan() {
    if let first, let last {
      hostBefore = hostBefore + (last.host - first.host)
      instrumentBefore = instrumentBefore + (last.instrument - first.instrument)
    }
    first = nil
    last = nil
  }

  /// Takes a reading's time stamp on the set-point's clock and the moment of its arrival.
  ///
  /// - Returns: `clock.drift` when an hour of set-points showed more than is tolerable.
  public mutating func reading(stamped instrument: TimeSpan, arrived host: HostInstant) -> Fault? {
    let present = Pair(host: host, instrument: instrument)
    last = present
    guard let first else {
      first = present
      return nil
    }
    let hostTime = hostBefore + (host - first.host)
    guard hostTime >= Self.interval else { return nil }
    let difference = instrumentBefore + (instrument - first.instrument) - hostTime
    let millionths = Int64(clamping: Int128(difference.microseconds) * 1_000_000 / Int128(hostTime.microseconds))
    if smallest.map({ millionths.magnitude < $0.magnitude }) ?? true { smallest = millionths }
    guard hostTime >= Self.interval + Self.confirmation, let smallest else { return nil }
    self = ClockComparison()
    self.first = present
    last = present
    return Self.fault(smallest, in: hostTime)
  }

  private static func fault(_ millionths: Int64, in time: TimeSpan) -> Fault? {
    guard millionths.magnitude > UInt64(tolerablePartsPerMillion) else { return nil }
    let minutes = time.microseconds / 60_000_000
    return Fault(
      .clockDrift,
      "the instrument's clock runs \(millionths.magnitude) ppm \(millionths > 0 ? "fast" : "slow") against this machine's, "
        + "measured over \(minutes) min of set-points")
  }
}
