// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A daemon that cannot store anything has nothing to show in a stream, since only what is stored is shown. So whoever
// follows runs asks beside the stream how the store is doing, and is told when a silence means a sick disk.

import ControlAPI

/// Looks after the daemon's store while something is followed.
struct StoreWatch: Sendable {
  /// How often it is asked.
  private static let interval = Duration.seconds(5)

  private let client: ControlClient

  init(_ client: ControlClient) { self.client = client }

  /// Does something, and meanwhile tells on standard error when the store begins to refuse and when it takes rows again.
  func during(_ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await watch() }
      defer { group.cancelAll() }
      try await body()
    }
  }

  private func watch() async {
    var told: String?
    while !Task.isCancelled {
      // A daemon that does not answer is the stream's to tell.
      if let status = try? await client.status().value {
        if status.store_failure != told { Self.warn(of: status.store_failure, whenNil: "the store takes rows again\n") }
        told = status.store_failure
      }
      try? await Task.sleep(for: Self.interval)
    }
  }

  /// Tells people that nothing can be stored, if so.
  static func warn(of failure: String?, whenNil: String = "") {
    guard let failure else { return Terminal.error(whenNil) }
    Terminal.error("warning: nothing can be stored now, readings wait in memory: \(failure)\n")
  }
}
