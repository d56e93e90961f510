// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Who has a line that we wanted. Best effort: a hardened daemon sees little of /proc, and then the answer is nil.

internal import CNacycler
internal import Glibc

/// A process that uses a serial line.
struct PortHolder: CustomStringConvertible {
  /// Its number.
  let process: pid_t

  /// For a sentence, for instance `process 812 (minicom)`.
  var description: String {
    if process == getpid() { return "this very process" }
    guard let name = Self.text(of: "/proc/\(process)/comm") else { return "process \(process)" }
    return "process \(process) (\(name.prefix { $0 != "\n" }))"
  }

  /// Who holds the flock on an open file, from /proc/locks: `1: FLOCK  ADVISORY  WRITE 812 00:18:5 0 EOF`, with the
  /// file as hexadecimal major and minor device number and decimal inode.
  static func locker(of descriptor: CInt) -> PortHolder? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, let table = text(of: "/proc/locks") else { return nil }
    for line in table.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 6, words[1] == "FLOCK", let process = pid_t(words[4]), process > 0 else { continue }
      let file = words[5].split(separator: ":")
      guard file.count == 3, let major = UInt32(file[0], radix: 16), let minor = UInt32(file[1], radix: 16),
        let inode = UInt(file[2])
      else { continue }
      if nacycler_device_number(major, minor) == status.st_dev, inode == status.st_ino {
        return PortHolder(process: process)
      }
    }
    return nil
  }

  /// Another process that has the node open.
  static func user(of path: String) -> PortHolder? {
    guard let node = resolved(path), let directory = opendir("/proc") else { return nil }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      guard let process = pid_t(name(of: entry)), process != getpid() else { continue }
      if hasOpen(node, process) { return PortHolder(process: process) }
    }
    return nil
  }

  private static func hasOpen(_ node: String, _ process: pid_t) -> Bool {
    let files = "/proc/\(process)/fd"
    guard let directory = opendir(files) else { return false }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      if resolved("\(files)/\(name(of: entry))") == node { return true }
    }
    return false
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// The path with every link followed; nil when it leads nowhere.
  static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  /// A small file of /proc as text.
  private static func text(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var text: [UInt8] = []
    return withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { buffer in
      while true {
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        if count <= 0 { return count < 0 ? nil : String(decoding: text, as: UTF8.self) }
        text.append(contentsOf: buffer.prefix(count))
      }
    }
  }
}
