// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Glibc

/// A file that is written under another name and appears, whole and on the disk, only when everything has come.
final class Download {
  private let path: String
  private let partialPath: String
  private let descriptor: Int32
  private let isReplacing: Bool
  private var count = 0
  private var shownAt = ContinuousClock.now
  /// Whether the partial file has its name, or was thrown away.
  private var isOver = false

  /// Begins a file. Throws `FileFailure` when it exists and may not be replaced, or cannot be made.
  init(path: String, replacing: Bool) throws {
    self.path = path
    isReplacing = replacing
    partialPath = "\(path).partial-\(getpid())"
    guard replacing || access(path, F_OK) != 0 else { throw Self.exists(path) }
    try Self.requireReplaceable(path)
    descriptor = open(partialPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileFailure("unwritable", path: path) }
  }

  /// Adds a piece and shows how far it is.
  func append(_ bytes: [UInt8]) throws {
    guard !isOver, FileDescriptors.writeAll(bytes, to: descriptor) else { throw giveUp() }
    count += bytes.count
    if ContinuousClock.now - shownAt > .milliseconds(200) {
      shownAt = .now
      Terminal.progress("\(path): \(Numbers.bytes(count))")
    }
  }

  /// Gives the file its name. Returns how many bytes it has. Where that fails there is no file, nor its beginning.
  func finish() throws -> Int {
    Terminal.endProgress()
    guard !isOver, fsync(descriptor) == 0 else { throw giveUp() }
    do { try giveName() } catch {
      throwAway()
      throw error
    }
    isOver = true
    // The name is on the disk once its folder is; a file system that cannot promise that is no reason to fail.
    let folder = open(path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
    return count
  }

  /// Whoever may replace nothing takes the name only if nobody has taken it meanwhile, which a link does in one step.
  private func giveName() throws {
    if !isReplacing {
      if link(partialPath, path) == 0 {
        unlink(partialPath)
        return
      }
      if errno == EEXIST { throw Self.exists(path) }
      // Not every file system has links.
    }
    try Self.requireReplaceable(path)
    guard rename(partialPath, path) == 0 else { throw FileFailure("unwritable", path: path) }
  }

  /// What the system has just refused; nothing of the file remains, also where nobody lets go of this before the process ends.
  private func giveUp() -> FileFailure {
    let failure = FileFailure("unwritable", path: path)
    throwAway()
    return failure
  }

  private func throwAway() {
    if !isOver { unlink(partialPath) }
    isOver = true
  }

  /// A device, a pipe or a folder is never replaced, whoever asks for it; nor is a link, which may lead to one.
  private static func requireReplaceable(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return }
    throw FileFailure(
      code: "file.not_plain", message: "\(path) is no plain file, and only such a file is replaced",
      hint: "name a file in a folder, not a device, a link or the folder itself")
  }

  private static func exists(_ path: String) -> FileFailure {
    FileFailure(code: "file.exists", message: "\(path) exists", hint: "choose another name or add --force")
  }

  deinit {
    close(descriptor)
    throwAway()
  }
}
