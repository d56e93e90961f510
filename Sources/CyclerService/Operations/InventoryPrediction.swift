// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What an efficiency means for a cell whose sodium is all that it has (docs/metrics.md, "What an efficiency means for a
// life"): each cycle leaves the share CE of what the one before it had. Arithmetic, not a forecast: it holds only where
// the inventory of sodium limits the capacity, and it knows nothing of growing resistance or lost contact.

internal import Glibc

/// Efficiency, cycles and retention of a cell that is limited by its inventory; two of them give the third.
enum InventoryPrediction {
  /// What is left after so many cycles: CE^n, a fraction.
  static func retention(coulombicEfficiency: Double, cycles: Double) -> Double {
    pow(coulombicEfficiency, cycles)
  }

  /// How many cycles until no more than `retention` is left: ln R / ln CE. Infinite without any loss.
  static func cycles(coulombicEfficiency: Double, retention: Double) -> Double {
    coulombicEfficiency >= 1 ? .infinity : log(retention) / log(coulombicEfficiency)
  }

  /// The efficiency that leaves `retention` after so many cycles: R^(1/n), a fraction.
  static func coulombicEfficiency(retention: Double, cycles: Double) -> Double { pow(retention, 1 / cycles) }

  /// The efficiency whose powers follow a row of cycles: their geometric mean. Nil for an empty row.
  static func meanEfficiency(_ efficiencies: some Collection<Double>) -> Double? {
    guard !efficiencies.isEmpty, efficiencies.allSatisfy({ $0 > 0 }) else { return nil }
    return exp(efficiencies.reduce(0) { $0 + log($1) } / Double(efficiencies.count))
  }
}

/// Sodium metal.
enum SodiumMetal {
  /// In mAh/g: F / (3.6 M) with F = 96,485.332 C/mol (exact since 2019, to 3 decimals) and M = 22.98977 g/mol.
  static let specificCapacity = 96_485.332 / (3.6 * 22.98977)
  /// In g/cm3 at 20 °C (CRC Handbook of Chemistry and Physics: 0.97; Rumble, 97th ed., 0.968 as commonly tabulated).
  static let density = 0.968

  /// The thickness in µm of a dense, even layer that holds so many mAh on each cm2.
  static func thicknessMicrometres(arealCapacity: Double) -> Double {
    arealCapacity / (specificCapacity * density) * 1e4
  }
}
