// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

@testable import MethodSCRIPTEmulator

/// Reaches the encoding of values that no script can produce.
enum PackageTextProbe {
  /// Appends an unmeasured current.
  static func append(_ number: Double, to bytes: inout [UInt8]) {
    PackageText.append(ScriptValue(number, .measuredCurrent), to: &bytes)
  }
}
