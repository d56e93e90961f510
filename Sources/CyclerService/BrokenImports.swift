// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import CycleStore
internal import Logging
internal import ServiceLifecycle

/// Removes, beside everything else, what imports have left that the daemon before this one did not finish. Nobody sees
/// it meanwhile, and its numbers are no other run's.
struct BrokenImports: Service {
  let store: CycleStore
  let logger: Logger

  func run() async throws {
    do {
      try await store.removeBrokenImports()
    } catch {
      logger.warning("what is left of an import cannot be removed yet: \(error)")
    }
  }
}
