// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import ArgumentParser
import ControlAPI
import Glibc
import Synchronization

/// `nactl import FILE`
struct Import: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Takes a run in that another daemon has written with export --format archive.",
    discussion: """
      The run comes with its cell, its protocols, all records and results, bit for bit, under a number of its own. It is \
      over: it can be shown, exported and computed again, and not be resumed.
      """)
  @OptionGroup var daemon: DaemonOption
  @Argument(help: "The archive.", completion: .file(extensions: ["nacycler"])) var file: String
  @Option(help: ArgumentHelp("Takes its cell in under another name.", valueName: "name")) var asCell: String?

  func run() async throws {
    let source = try Upload(path: file)
    let taken = try await daemon.client().importArchive(count: source.count, asCell: asCell) { try source.next() }.value
    Terminal.endProgress()
    Terminal.out(
      "run \(taken.run): “\(taken.title)” on cell \(taken.cell), \(taken.records) records, \(taken.cycles) cycles\n")
    let others = taken.parameter_sets.filter { !$0.is_own }
    for set in others { Terminal.out("  \(Self.line(set))\n") }
    // An archive is the same file whichever database it comes from, so it cannot say the numbers there.
    guard !others.isEmpty else { return }
    Terminal.out("  these are the numbers of the sets here, and not those there: the labels are the same\n")
  }

  /// A set by all that tells it from others, since its number is another one where it comes from.
  static func line(_ set: ParameterSet) -> String {
    let label = set.label.map { ", “\(Table<ParameterSet>.shortened($0))”" } ?? ""
    var parts = ParameterLine.plateaus(set.sodiation_plateau_below_V, set.desodiation_plateau_below_V)
    if let reference = set.retention_reference { parts.append("retention of \(reference)") }
    if let mass = set.active_mass_ug { parts.append(Numbers.scaled(Double(mass) * 1e-6, "g")) }
    if let area = set.area_mm2 { parts.append("\(Numbers.fixed(area / 100, 4)) cm²") }
    let told = parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    return "parameter set \(set.parameter_set)\(label)\(told): \(set.cycles) cycles that were computed again"
  }
}

/// A file that is sent, piece by piece.
final class Upload: Sendable {
  /// How many bytes it has.
  let count: Int64
  private let path: String
  private let descriptor: Int32
  private let sent = Mutex<Int64>(0)
  private static let piece = 1 << 18

  /// Opens a plain file.
  init(path: String) throws {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileFailure("unreadable", path: path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileFailure(code: "file.unreadable", message: "\(path) is no plain file", hint: "name an archive")
    }
    let size = Int64(status.st_size)
    guard size <= ArchiveLimits.mostBytes else {
      close(descriptor)
      throw FileFailure(
        code: "file.too_large", message: "\(path) has more than \(ArchiveLimits.mostBytes) bytes",
        hint: "no run is that long")
    }
    count = size
  }

  deinit { close(descriptor) }

  /// The next piece; nil after the last.
  func next() throws -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: Self.piece)
    let got = read(descriptor, &buffer, buffer.count)
    guard got >= 0 else { throw FileFailure("unreadable", path: path) }
    let sum = sent.withLock { sum in
      sum += Int64(got)
      return sum
    }
    guard got > 0 else {
      // The daemon was told how many bytes come.
      guard sum == count else {
        throw FileFailure(code: "file.changed", message: "\(path) has become shorter", hint: nil)
      }
      Terminal.progress("\(path): \(Numbers.bytes(Int(sum))), being taken in")
      return nil
    }
    guard sum <= count else { throw FileFailure(code: "file.changed", message: "\(path) has become longer", hint: nil) }
    Terminal.progress("\(path): \(Numbers.bytes(Int(sum)))")
    return Array(buffer.prefix(got))
  }
}
