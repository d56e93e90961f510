// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Runs that leave in a file, and runs that come in one.

internal import ControlAPI
internal import CycleStore
internal import CyclerModel
internal import CyclingProtocol
internal import CyclingRun

extension LaboratoryOperations {
  /// A run's archive, in pieces.
  func archive(of run: StoredRun) async throws -> AsyncThrowingStream<[UInt8], any Error> {
    guard let seat = exportSeat.take() else {
      throw RequestRefused(
        .unavailable, code: "archive.busy", message: "another archive is being made", hint: "wait until it is done")
    }
    do {
      let archive = try await RunArchive(
        run: run.runId, of: store, programVersion: NaCyclerVersion.text, in: transfers)
      return AsyncThrowingStream {
        if let piece = try await archive.next() { return piece }
        // Before the reader sees the end, so that it can ask for the next one.
        seat.end()
        return nil
      }
    } catch let problem as ArchiveProblem {
      throw RequestRefused(problem)
    }
  }

  func importArchive(at path: String, asCell cell: String?, by requester: Requester) async throws -> ImportResponse {
    if let cell { try CellNumbers.check(name: cell) }
    do {
      let archive = try await ArchiveReader(path: path)
      try Self.check(archive.content)
      try transfers.checkRoom(forCopyOf: path)
      let taking = ArchiveImport(of: archive, into: store, by: requester.name, asCell: cell)
      let laboratory = laboratory
      let run = try await taking.run { laboratory.now().unix }
      return try await answer(about: run, archive.content, requester)
    } catch let problem as ArchiveProblem {
      throw RequestRefused(problem)
    }
  }

  private func answer(
    about run: Int64, _ content: ArchiveReader.Content, _ requester: Requester
  ) async throws -> ImportResponse {
    try await store.read { view in
      guard let stored = try view.run(run) else { throw StoreError.unknown(kind: "run", name: "\(run)") }
      let sets = try view.recounts(run: run)
      return ImportResponse(
        request_id: requester.requestID, run: run, uuid: stored.uuid, title: stored.title, cell: stored.cellName,
        records: content.records, cycles: sets.first { $0.isOwn }?.cycles ?? 0,
        parameter_sets: sets.map { ParameterSet($0) })
    }
  }

  /// What the store cannot judge: names that tables can show, numbers that a cell can have, and protocols that are what
  /// their digests say. A digest that is not its text's would be another protocol's later, and a nominal capacity below
  /// zero would let a run go on for ever that moves no charge.
  static func check(_ content: ArchiveReader.Content) throws {
    try CellNumbers.check(name: content.cell)
    try CellNumbers.check(ownID: content.externalID, batch: content.batch)
    for revision in content.revisions {
      do {
        try PersonText.check(revision.enteredBy, "entered_by")
        try PersonText.check(revision.reason, "reason", severalLines: true)
        try revision.entry.check()
      } catch let refusal as RequestRefused {
        throw RequestRefused(
          .impossible, code: refusal.body.code,
          message: "the archive's cell_revision \(revision.number) is none that a cell has: \(refusal.body.message)",
          hint: refusal.body.hint)
      }
    }
    for source in content.protocols where SHA256.digest(Array(source.text.utf8)) != source.sha256 {
      throw RequestRefused(
        .impossible, code: "archive.damaged", message: "the archive is damaged: a protocol is not what its digest says",
        hint: "fetch it again, or let the daemon that has the run write another")
    }
  }
}

extension RequestRefused {
  init(_ problem: ArchiveProblem) {
    let kind: RequestRefused.Kind =
      switch problem.kind {
      case .file: .impossible
      case .conflict: .conflict
      case .size: .tooLarge
      case .room: .unavailable
      }
    self.init(kind, code: problem.code, message: problem.message, hint: problem.hint)
  }
}

extension RunOrigin {
  init(_ origin: StoredOrigin) {
    self.init(
      imported_unix_us: origin.importedUnixUs, imported_by: origin.importedBy,
      archive_checksum: origin.archiveChecksum, archive_version: origin.archiveVersion, channel: origin.channelName,
      cell: origin.cellName)
  }
}
