// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// A serial line to an instrument. Opening it makes sure that it is a line, that nobody else talks on it and that all
// 256 bytes pass unchanged in both directions; after that it moves bytes and notices when the line is gone.
//
// It does not frame, retry, wait or log. It flushes nothing at opening: what an instrument said while nobody listened
// can be the end of an interrupted step, and the driver wants to see it. On a pseudo-terminal there are no modem lines
// and no parity; their absence is tolerated, so that an emulated instrument is opened by the very same code.

public import CyclerModel
internal import Glibc
public import InstrumentKit

/// An open, exclusive, raw, non-blocking serial line, 8 data bits, 1 stop bit.
///
/// Belongs to the thread that opened it. Closes itself when the last reference goes away.
public final class SerialPort: InstrumentPort {
  /// The name under which it was opened.
  public let path: String
  /// The open line; -1 once closed.
  public private(set) var descriptor: CInt

  /// Opens a line.
  ///
  /// - Parameters:
  ///   - path: The device node, or a link to it.
  ///   - baudRate: Bits per second; a USB-CDC line ignores it, but it must be one that the C library knows.
  ///   - parity: What each byte carries beside its bits. A byte that arrives with another is dropped where the adapter tells.
  /// - Throws: `link.busy` when another program has the line, naming it where the system lets us see it;
  ///   `port.unusable` when there is no such line, we may not open it or it cannot be made transparent.
  public init(path: String, baudRate: Int, parity: LineParity = .none) throws(Fault) {
    self.path = path
    // O_NOCTTY: an instrument's Ctrl-C byte must not become a signal to the daemon.
    descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.refusal(to: path, SystemError.last) }
    do {
      try Self.claim(descriptor, path)
      try Self.makeTransparent(descriptor, path, baudRate, parity)
    } catch {
      close()
      throw error
    }
  }

  deinit { close() }

  /// Whether `close` has not been called yet; says nothing about the other end.
  public var isOpen: Bool { descriptor >= 0 }

  /// Reads what there is, up to the size of `buffer`, without waiting. A closed line reads as hung up.
  public func read(into buffer: UnsafeMutableRawBufferPointer) -> PortRead {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count > 0 { return .bytes(count) }
      // VMIN is 1, so a line that is merely silent answers EAGAIN and 0 is the end.
      if count == 0 { return buffer.isEmpty ? .wouldBlock : .hangUp }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .hangUp
      }
    }
  }

  /// Hands bytes to the kernel as far as it takes them, without waiting; the caller keeps the rest and its patience.
  public func write(_ bytes: UnsafeRawBufferPointer) -> PortWrite {
    if bytes.isEmpty { return .written(0) }
    while true {
      let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      if count >= 0 { return .written(count) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .written(0)
      default: return .hangUp
      }
    }
  }

  /// Gives the line back, as it is, without waiting for bytes that the other end does not take. May be repeated.
  public func close() {
    guard descriptor >= 0 else { return }
    // Without this a program that already holds the node open would keep it exclusive after us.
    _ = ioctl(descriptor, UInt(TIOCNXCL))
    // close waits for unsent bytes, up to 30 s by default; an instrument that does not read gets no such patience.
    tcflush(descriptor, TCOFLUSH)
    // A child that was forked and has not yet become its program holds the line open too, and with it the lock.
    _ = flock(descriptor, LOCK_UN)
    Glibc.close(descriptor)
    descriptor = -1
  }

  // MARK: Opening

  private static func refusal(to path: String, _ error: SystemError) -> Fault {
    switch error.number {
    case EBUSY:
      return busy(path, holder: PortHolder.user(of: path))
    case EACCES, EPERM:
      return Fault(
        .portUnusable,
        "\(path): \(error); the daemon's user needs the group that owns it (nacycler, by the udev rules that come along; for a port that was named with its family see docs/instruments.md)"
      )
    case ENOENT, ENXIO, ENODEV:
      return Fault(.portUnusable, "\(path): \(error); is the instrument plugged in and switched on?")
    default:
      return Fault(.portUnusable, "\(path): \(error)")
    }
  }

  private static func busy(_ path: String, holder: PortHolder?) -> Fault {
    let who = holder.map { "\($0)" } ?? "another program, which this system does not let us see,"
    return Fault(.linkBusy, "\(path): \(who) has the line; end it, or leave this line to it")
  }

  /// flock is the rule between programs that know it (and between two of ours); TIOCEXCL keeps out those that do not.
  private static func claim(_ descriptor: CInt, _ path: String) throws(Fault) {
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let error = SystemError.last
      switch error.number {
      case EINTR: continue
      case EWOULDBLOCK: throw busy(path, holder: PortHolder.locker(of: descriptor) ?? PortHolder.user(of: path))
      default: throw Fault(.portUnusable, "\(path): cannot be locked: \(error)")
      }
    }
    // A line that is played back for a test knows no such request; the lock above holds all the same.
    if ioctl(descriptor, UInt(TIOCEXCL)) != 0, errno != ENOTTY {
      throw Fault(.portUnusable, "\(path): cannot be made exclusive: \(SystemError.last)")
    }
  }

  private static func makeTransparent(
    _ descriptor: CInt, _ path: String, _ baudRate: Int, _ parity: LineParity
  ) throws(Fault) {
    var line = termios()
    // Not isatty: it asks for more than the line settings, and a line that is played back has only those.
    guard tcgetattr(descriptor, &line) == 0 else {
      throw Fault(.portUnusable, "\(path): is not a serial line (\(SystemError.last))")
    }
    cfmakeraw(&line)
    // CLOCAL: no modem line decides whether we may talk. Without HUPCL closing leaves DTR and RTS as they are: an
    // instrument may take their fall for a reset, in the middle of a measurement that should run on.
    line.c_cflag |= tcflag_t(CLOCAL | CREAD | CS8)
    line.c_cflag &= ~tcflag_t(HUPCL | CSTOPB | PARENB) & ~tcflag_t(CRTSCTS)
    set(parity, of: &line)
    line.c_cc.6 = 1  // VMIN
    line.c_cc.5 = 0  // VTIME
    guard let speed = speed_t(exactly: baudRate), speed > 0, cfsetspeed(&line, speed) == 0 else {
      throw Fault(.portUnusable, "\(path): \(baudRate) is not a line speed; use one such as 115200 or 921600")
    }
    // EINVAL says that a line did not take the parity, as a pseudo-terminal never does, and is only said where nothing else was
    // to be changed. What matters is read back.
    guard tcsetattr(descriptor, TCSANOW, &line) == 0 || errno == EINVAL else {
      throw Fault(.portUnusable, "\(path): refuses its line settings: \(SystemError.last)")
    }
    try checkTransparent(descriptor, path)
  }

  static func set(_ parity: LineParity, of line: inout termios) {
    guard parity != .none else { return }
    line.c_cflag |= tcflag_t(PARENB) | (parity == .odd ? tcflag_t(PARODD) : 0)
    if parity == .even { line.c_cflag &= ~tcflag_t(PARODD) }
    // Checked, and what is told to be wrong is left out: a zero in its place would be taken for a byte of the instrument.
    line.c_iflag |= tcflag_t(INPCK | IGNPAR)
  }

  /// tcsetattr succeeds when any one of the settings was taken, so what matters is read back. Parity and character size
  /// are not: a pseudo-terminal answers with its own.
  private static func checkTransparent(_ descriptor: CInt, _ path: String) throws(Fault) {
    var line = termios()
    let input = tcflag_t(BRKINT | ICRNL | INLCR | IGNCR | ISTRIP | IXON | PARMRK)
    let local = tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
    guard tcgetattr(descriptor, &line) == 0, line.c_iflag & input == 0, line.c_oflag & tcflag_t(OPOST) == 0,
      line.c_lflag & local == 0
    else {
      throw Fault(.portUnusable, "\(path): does not pass all bytes unchanged; it keeps its own line settings")
    }
  }
}
