// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The daemon as a whole: what is started in which order, and what happens on the signal that stops it. Cells are made
// safe on the signal itself; only then are clients and services asked to end.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import InstrumentIO
public import Logging
internal import Quantities
internal import ServiceLifecycle

/// What a person says at the daemon's start.
public struct DaemonConfiguration: Sendable {
  /// Where the database and the lock lie; it must exist.
  public var stateDirectory: String
  /// Where the control socket is made.
  public var socketPath: String
  /// Whether every user of this machine may connect and look; otherwise only those of the socket's group.
  public var everyoneMayLook = false
  /// Ports and leases.
  public var laboratory = LaboratoryConfiguration()
  /// A configuration with the usual laboratory.
  public init(stateDirectory: String, socketPath: String) {
    self.stateDirectory = stateDirectory
    self.socketPath = socketPath
  }
}

/// Why a daemon did not start; printed as it is.
public struct DaemonRefusal: Error, Sendable {
  /// Stable name.
  public var code: String
  /// What is wrong, and where.
  public var message: String
  /// What can be done.
  public var hint: String
  /// For the process.
  public var exitStatus: Int32

  /// A refusal with its reason.
  public init(code: String, message: String, hint: String, exitStatus: Int32) {
    self.code = code
    self.message = message
    self.hint = hint
    self.exitStatus = exitStatus
  }
}

/// One daemon on one state directory.
public struct CyclerDaemon: Sendable {
  /// Clients and services get so long to end in order; systemd's own patience is longer.
  static let patience = Duration.seconds(5)

  let configuration: DaemonConfiguration
  let logger: Logger

  /// A daemon that has not started.
  public init(configuration: DaemonConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
  }

  /// What a socket's refusal means for the process: 75 (EX_TEMPFAIL) while another has it, 73 (EX_CANTCREAT) otherwise.
  private func orRefuse<Made>(_ make: () throws -> Made) throws -> Made {
    do {
      return try make()
    } catch {
      throw Self.asRefusal(error)
    }
  }

  private static func asRefusal(_ error: any Error) -> any Error {
    guard let refused = error as? RequestRefused else { return error }
    let body = refused.body
    return DaemonRefusal(
      code: body.code, message: body.message, hint: body.hint ?? "", exitStatus: refused.kind == .conflict ? 75 : 73)
  }

  /// Runs until SIGTERM or SIGINT. Throws `DaemonRefusal` when it cannot start.
  public func run() async throws {
    let lock = try takeLock()
    defer { withExtendedLifetime(lock) {} }
    let roster = PortRoster()
    let notifier = ServiceNotifier.fromEnvironment()
    let (stops, stop) = AsyncStream<Void>.makeStream()
    let signals = try listen {
      // On the signal's own thread: no pool, client or disk is waited for before the cells are safe.
      roster.suspendAll()
      notifier.send(.stopping)
      stop.yield()
    }
    defer { signals.end() }
    let store = try openStore()
    let laboratory = Laboratory(
      store: store, configuration: configuration.laboratory, roster: roster, logger: logger)
    let transfers = TransferFolder(stateDirectory: configuration.stateDirectory)
    do { try transfers.empty() } catch {
      logger.warning(
        "\(transfers.path) cannot be used, so no archive or snapshot can be made and no archive taken in: \(error)")
    }
    let operations = LaboratoryOperations(
      laboratory: laboratory, store: store, transfers: transfers, startedAt: UnixClock.now())
    let control = try orRefuse {
      try makeControlService(
        operations: operations, configuration: controlConfiguration, logger: logger,
        onListening: { [logger] in
          notifier.send(.ready)
          logger.info("listening at \(configuration.socketPath)")
        })
    }
    let watchdog = WatchdogService(
      laboratory: laboratory, store: store, roster: roster, notifier: notifier, logger: logger)
    var group = ServiceGroupConfiguration(
      services: [
        .init(service: LaboratoryService(laboratory: laboratory)), .init(service: control), .init(service: watchdog),
        .init(
          service: BrokenImports(store: store, logger: logger), successTerminationBehavior: .ignore),
        .init(service: StopService(stops: stops, logger: logger), successTerminationBehavior: .gracefullyShutdownGroup),
      ], logger: logger)
    group.maximumGracefulShutdownDuration = Self.patience
    do {
      try await ServiceGroup(configuration: group).run()
    } catch {
      // Whatever went wrong: the cells first, the reason afterwards.
      roster.suspendAll()
      await Self.waitForPorts(roster)
      await store.stop()
      throw Self.asRefusal(error)
    }
    await Self.waitForPorts(roster)
    let report = await store.stop()
    if report.unsavedCount > 0 { logger.critical("store.failed: \(report.unsavedCount) rows could not be saved") }
  }

  private var controlConfiguration: ControlConfiguration {
    var control = ControlConfiguration(socketPath: configuration.socketPath)
    control.stateDirectory = configuration.stateDirectory
    // Who may operate is decided by who connects, not by the mode.
    if configuration.everyoneMayLook { control.socketMode = 0o666 }
    return control
  }

  private func takeLock() throws -> StateLock {
    do {
      return try StateLock(stateDirectory: configuration.stateDirectory)
    } catch {
      throw DaemonRefusal(code: error.code, message: error.message, hint: error.hint, exitStatus: error.exitStatus)
    }
  }

  private func listen(_ act: @escaping @Sendable () -> Void) throws -> StopSignals {
    do {
      return try StopSignals(act)
    } catch {
      throw DaemonRefusal(
        code: error.code.rawValue, message: error.detail, hint: "see `ulimit -n` and `ulimit -u`", exitStatus: 71)
    }
  }

  private func openStore() throws -> CycleStore {
    let store: CycleStore
    do {
      store = try CycleStore.open(at: configuration.stateDirectory)
      try store.start()
    } catch {
      throw DaemonRefusal(
        code: "store.unusable", message: "\(error)",
        hint: "the database lies in \(configuration.stateDirectory); look at docs/database.md", exitStatus: 74)
    }
    if let loss = store.opening.loss { logger.critical("\(loss.code.rawValue): \(loss.detail)") }
    return store
  }

  /// The threads confirm every open circuit, or give up after their own patience. One that hangs in a driver of the
  /// kernel must not keep the others' readings from being stored.
  private static func waitForPorts(_ roster: PortRoster) async {
    func isWaitedFor(_ worker: PortWorker) -> Bool { !worker.isFinished && !worker.isStalled(at: HostClock.now()) }
    while roster.workers.contains(where: isWaitedFor) {
      try? await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// Runs the laboratory as a service.
struct LaboratoryService: Service {
  let laboratory: Laboratory

  func run() async throws {
    let laboratory = laboratory
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        // Cancelled when the laboratory has ended by itself.
        guard (try? await gracefulShutdown()) != nil else { return }
        await laboratory.stop()
      }
      try await laboratory.run()
      group.cancelAll()
    }
  }
}

/// Ends the daemon after a signal. The cells were made safe when it came (`CyclerDaemon.run`).
struct StopService: Service {
  let stops: AsyncStream<Void>
  let logger: Logger

  func run() async throws {
    for await _ in stops.cancelOnGracefulShutdown() {
      logger.info("told to stop: every circuit is being opened")
      return
    }
  }
}
