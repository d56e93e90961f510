// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a line makes of replies: pieces of bytes with the moments at which they arrive, in order.

/// A reply on its way, in pieces.
struct SpoiledReply: Sendable {
  /// A piece and when it arrives, in virtual seconds; infinitely near pieces are still read one by one.
  struct Piece: Sendable {
    var bytes: [UInt8]
    var due: Double
    /// Whether it is read together with what came at the same moment before it.
    var joins = false
  }
  var pieces: [Piece]
  /// So long a gap is left behind each byte.
  var byteTime = 0.0

  init(_ bytes: [UInt8], at time: Double) { pieces = [Piece(bytes: bytes, due: time)] }

  /// What a fault does to it.
  mutating func suffer(_ fault: LineFault, _ numbers: inout SeededNumbers) {
    switch fault {
    case .mute: pieces = []
    case .stall: break
    case .garbage(_, let share):
      edit { bytes in
        for place in bytes.indices where Double.random(in: 0..<1, using: &numbers) < share {
          bytes[place] = UInt8(truncatingIfNeeded: numbers.next())
        }
      }
    case .slow(let rate): byteTime = max(byteTime, 1 / rate)
    case .late(let seconds): for index in pieces.indices { pieces[index].due += seconds }
    case .glued(let seconds):
      // All that leaves in one stretch of the clock arrives at its end.
      for index in pieces.indices {
        pieces[index].due = ((pieces[index].due / seconds).rounded(.down) + 1) * seconds
        pieces[index].joins = true
      }
    case .split(let place): split(at: place)
    case .truncated(let count): edit { if count < $0.count { $0.removeSubrange(count...) } }
    case .corrupted(let place, let byte): edit { if place < $0.count { $0[place] = byte } }
    case .duplicated: pieces += pieces
    case .interleaved(let others, let place): edit { $0.insert(contentsOf: others, at: min(place, $0.count)) }
    }
    pieces.removeAll { $0.bytes.isEmpty }
  }

  private mutating func edit(_ change: (inout [UInt8]) -> Void) {
    for index in pieces.indices { change(&pieces[index].bytes) }
  }

  private mutating func split(at place: Int) {
    pieces = pieces.flatMap { piece -> [Piece] in
      guard place > 0 else { return piece.bytes.map { Piece(bytes: [$0], due: piece.due) } }
      guard place < piece.bytes.count else { return [piece] }
      return [
        Piece(bytes: Array(piece.bytes[..<place]), due: piece.due),
        Piece(bytes: Array(piece.bytes[place...]), due: piece.due),
      ]
    }
  }
}

/// What is on the line to the host.
struct SpoiledLine: Sendable {
  private var pieces: [SpoiledReply.Piece] = []
  private var first = 0
  private var byteCount = 0

  var isEmpty: Bool { first == pieces.count }
  var nextDue: Double? { isEmpty ? nil : pieces[first].due }

  mutating func removeAll() {
    pieces.removeAll()
    first = 0
    byteCount = 0
  }

  /// Puts a reply behind the others; what does not fit is lost.
  mutating func append(_ reply: SpoiledReply) {
    for piece in reply.pieces {
      guard byteCount + piece.bytes.count <= FaultyInstrument.lineRoom else { continue }
      // Nothing overtakes.
      let due = max(piece.due, isEmpty ? piece.due : pieces[pieces.count - 1].due)
      byteCount += piece.bytes.count
      if piece.joins, let last = pieces.indices.last, last >= first, pieces[last].due == due {
        pieces[last].bytes += piece.bytes
        continue
      }
      guard reply.byteTime > 0 else {
        pieces.append(SpoiledReply.Piece(bytes: piece.bytes, due: due))
        continue
      }
      for (place, byte) in piece.bytes.enumerated() {
        pieces.append(SpoiledReply.Piece(bytes: [byte], due: due + Double(place + 1) * reply.byteTime))
      }
    }
  }

  /// Hands the next piece that is due to the host; whether there was one.
  mutating func deliver(at moment: Double, into output: inout [UInt8]) -> Bool {
    guard let due = nextDue, due <= moment else { return false }
    output.append(contentsOf: pieces[first].bytes)
    byteCount -= pieces[first].bytes.count
    first += 1
    if first > 64, first * 2 > pieces.count {
      pieces.removeFirst(first)
      first = 0
    }
    return true
  }
}
