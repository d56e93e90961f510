// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// The version that is stored with every run and told to every client.
public enum DaemonVersion {
  /// Semantic version; changed with the change log.
  public static let text = "0.1.0"
}
