// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Which definitions a number was computed under.
public enum MetricDefinitions {
  /// The version of docs/metrics.md that this code follows. It rises when the same records would give another number,
  /// and is stored with every set of parameters.
  public static let version = "1"
}
