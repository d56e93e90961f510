// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The version of this build, of daemon and client alike; the daemon stores it with every run and tells it to clients.
public enum NaCyclerVersion {
  /// Semantic version; changed with the change log.
  public static let text = "0.1.0"
}
