// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

public import Quantities

/// Between what temperatures a run may go on, judged by a thermometer beside the cell.
public struct TemperatureLimits: Sendable, Hashable {
  /// A temperature so far beyond a limit trips at once. A chamber that overshoots by as much regulates nothing any more.
  public static let hardMargin = Temperature(degrees: 5)

  /// In thousandths of a degree Celsius; nil where only heat does harm.
  public var lower: SoftHardLimit?
  /// In thousandths of a degree Celsius; nil where only cold does harm.
  public var upper: SoftHardLimit?
  /// What becomes of the run where the protocol says it.
  public var action: LimitAction?
  /// Limits.
  public init(lower: SoftHardLimit?, upper: SoftHardLimit?) {
    self.lower = lower
    self.upper = upper
  }
  /// Limits that may be passed for `tolerance`, and by more than `hardMargin` not at all.
  public init(min: Temperature?, max: Temperature?, tolerance: TimeSpan, action: LimitAction? = nil) {
    self.action = action
    lower = min.map {
      SoftHardLimit(soft: $0.count, hard: ($0 - Self.hardMargin).count, tolerance: tolerance)
    }
    upper = max.map {
      SoftHardLimit(soft: $0.count, hard: ($0 + Self.hardMargin).count, tolerance: tolerance)
    }
  }
}

extension Program {
  /// The first place of the protocol that names a temperature, so that its channel needs a thermometer; nil where none
  /// does.
  public var placeOfTemperature: String? {
    if limits.temperature != nil { return "limits.temperature" }
    return steps.first { step in
      step.ends.contains { $0.quantity == .temperature } || step.joined.contains { $0.quantity == .temperature }
    }?.path
  }
}
