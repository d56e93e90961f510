// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

/// Where a recording stands: everything that has to be put back to go on from there.
struct PlayPlace: Sendable {
  /// The stretch, from 0; as many as there are when the recording is over.
  var stretch = 0
  /// How many of its rows were played.
  var rowsPlayed = 0
  /// Where the next row begins in the file, in bytes.
  var offset = 0
  /// The line of the next row, or of an empty one before it.
  var line = 0
  /// The file's time of the last row that was played, in microseconds.
  var lastTime: Int64 = 0
  /// How far on the file's clock everything was said, in microseconds: to that row, or to a border behind it.
  var reached: Int64 = 0
  /// Where that row begins, in bytes; negative before the first.
  var lastOffset = -1
  /// Its line.
  var lastLine = 0
  /// The piece that the last row belongs to; nil where the next row begins a set-point.
  var key: StretchCutter.Key?
  /// The set-point's time, in microseconds.
  var time: Int64 = 0
}
