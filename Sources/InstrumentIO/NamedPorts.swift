// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Ports that a person names: `--port /dev/ttyUSB3`, `--port 'links/*'`. The names may be links that come and go with
// what they lead to, so the patterns are evaluated again whenever their directories change, and from time to time. A name
// may begin with the family of what is there, `line_thermometer:/dev/ttyUSB3`.

internal import Glibc

/// The ports that patterns lead to.
struct NamedPorts: ~Copyable {
  /// Something that a pattern led to.
  struct Found: Hashable {
    /// The name, as the pattern gives it.
    let path: String
    /// The node that it leads to.
    let node: String
    /// Which incarnation of the node: a link that was moved to another line, or a line that was made anew under its
    /// old name, is another port.
    let incarnation: Incarnation
    /// The family that stands before the pattern.
    var family: String?
  }

  /// What tells two nodes of one name apart.
  struct Incarnation: Hashable {
    let device: UInt
    let inode: UInt
    let line: UInt
  }

  private let patterns: [NamedPattern]
  /// Readable when one of the watched directories changed; -1 when the kernel gives us none.
  let descriptor: CInt
  private var watched: Set<String> = []
  /// What the names led to at the last evaluation; a name that leads to the same line still needs no resolving.
  private var known: [String: Found] = [:]
  /// What the patterns led to at the last evaluation and is no character device: it is never opened.
  private(set) var passedOver: Set<String> = []
  /// The patterns, as they were written, that led to nothing at all at the last evaluation.
  private(set) var leadingNowhere: Set<String> = []

  init(patterns: [String]) {
    // Who says what is at a port is heard before who says nothing, in whatever order they speak.
    let read = patterns.map(NamedPattern.init)
    self.patterns = read.filter { $0.family != nil } + read.filter { $0.family == nil }
    descriptor = inotify_init()
    if descriptor >= 0 {
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Takes the directory changes off the descriptor; what they were is found by looking.
  func drain() {
    withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 8) { buffer in
      while read(descriptor, buffer.baseAddress, buffer.count) > 0 {}
    }
  }

  /// What the patterns lead to now, in the order of the patterns and then by name, each node once.
  mutating func evaluate() -> [Found] {
    watchDirectories()
    var found: [Found] = []
    var nodes: Set<String> = []
    passedOver.removeAll(keepingCapacity: true)
    leadingNowhere.removeAll(keepingCapacity: true)
    for pattern in patterns {
      if SocketAddress(pattern.glob) != nil {
        found.append(Self.remote(pattern))
        continue
      }
      var leadsNowhere = true
      for path in Self.expand(pattern.glob) {
        switch Self.look(at: path, known[path]) {
        case .line(var one):
          one.family = pattern.family
          leadsNowhere = false
          if nodes.insert(one.node).inserted { found.append(one) }
        case .somethingElse:
          leadsNowhere = false
          passedOver.insert(path)
        case .nothing: break
        }
      }
      if leadsNowhere { leadingNowhere.insert(pattern.text) }
    }
    known = Dictionary(found.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    return found
  }

  /// An address on the network is always there; whether somebody listens shows when it is opened.
  private static func remote(_ pattern: NamedPattern) -> Found {
    Found(
      path: pattern.glob, node: pattern.glob, incarnation: Incarnation(device: 0, inode: 0, line: 0),
      family: pattern.family)
  }

  private mutating func watchDirectories() {
    for pattern in patterns where SocketAddress(pattern.glob) == nil {
      let directory = Self.directory(of: pattern.glob)
      // One that is not there yet is tried again at the next evaluation; one that went away reports IN_IGNORED.
      if !watched.contains(directory), inotify_add_watch(descriptor, directory, Self.changes) >= 0 {
        watched.insert(directory)
      }
    }
  }

  private static let changes = UInt32(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR)

  /// The part before the last slash. With a wildcard in it, it names no directory and only the clock finds changes.
  static func directory(of pattern: String) -> String {
    guard let slash = pattern.lastIndex(of: "/") else { return "." }
    return slash == pattern.startIndex ? "/" : String(pattern[..<slash])
  }

  private static func expand(_ pattern: String) -> [String] {
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern, 0, nil, &result) == 0, let paths = result.gl_pathv else { return [] }
    return (0..<Int(result.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }
  }

  /// What lies under a name.
  private enum Sight {
    case line(Found)
    case somethingElse
    /// A link that leads nowhere is a port that is not there at the moment.
    case nothing
  }

  private static func look(at path: String, _ known: Found?) -> Sight {
    var status = stat()
    guard stat(path, &status) == 0 else { return .nothing }
    let incarnation = Incarnation(
      device: UInt(status.st_dev), inode: UInt(status.st_ino), line: UInt(status.st_rdev))
    if let known, known.incarnation == incarnation { return .line(known) }
    guard let node = PortHolder.resolved(path) else { return .nothing }
    guard status.st_mode & S_IFMT == S_IFCHR else { return .somethingElse }
    return .line(Found(path: path, node: node, incarnation: incarnation))
  }
}
