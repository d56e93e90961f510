// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// What a driver is. A driver is a value that turns bytes into readings and set-points into bytes. It owns no port, no
// clock and no thread: whoever owns those feeds it inputs and carries out its outputs, so the same driver runs against
// an instrument, an emulator at any speed and a recorded transcript, with the same result.

public import CyclerModel
public import Quantities

/// The host's side of one instrument family's wire protocol.
public protocol InstrumentDriver: Sendable {
  /// What is known of the family before any byte was exchanged.
  static var descriptor: InstrumentDescriptor { get }
  /// What a model can do, by the name with which its instruments identify themselves: for what must be known of one that
  /// is away. nil for a model that the driver does not know.
  static func capabilities(ofModel name: String) -> InstrumentCapabilities?
  /// A driver that has seen nothing yet.
  init()
  /// Takes one input and appends what follows from it. Allocates nothing for a reading once `outputs` has grown.
  mutating func handle(_ input: DriverInput, at now: HostInstant, into outputs: inout DriverOutputs)
  /// What came since the port was opened and has the form of nothing that the instrument says, or did not come although others
  /// say that it was sent: lines, frames, or pieces, as far as the driver can tell. What is well formed and merely late, or crossed
  /// a stop on its way, is none of them. Before the instrument is identified whatever somebody left on the line may be among it;
  /// the host counts from there on (`DamageTally`).
  var damagedMessages: Int { get }
  /// Bytes that disconnect every cell of the instrument, whatever state it is in; they need no driver state.
  static var safeStopBytes: [UInt8] { get }
}

/// What can happen to a driver.
public enum DriverInput {
  /// The port was opened, for the first time or anew: forget what was, make the instrument safe, and ask who is there.
  case opened
  /// Bytes arrived. The buffer is valid during the call only.
  case bytes(UnsafeRawBufferPointer)
  /// Time passed; sent at `DriverOutputs.wakeAt` or later, and sometimes although nobody asked for it.
  case tick
  /// Do this with a channel.
  case command(channel: Int, ChannelCommand)
  /// The port is gone; nothing can be written any more.
  case lost
}

/// What the host can ask of a channel.
public enum ChannelCommand: Sendable, Hashable {
  /// Begin a set-point. Only valid when no other is under way.
  case begin(Setpoint)
  /// End whatever is under way and disconnect the cell. Always valid; answered by `ended` or `circuit`.
  case openCircuit
}

/// Why a set-point ended. In each case the instrument has confirmed that the cell is disconnected.
public enum SetpointEnd: Sendable, Hashable {
  /// The cut-off with that index in the set-point's list was met on the instrument.
  case cutOff(Int)
  /// A bound was passed on the instrument.
  case bound(Fault)
  /// The host did not renew the lease in time.
  case leaseExpired
  /// The host asked.
  case requested
  /// The instrument stopped by itself.
  case failed(Fault)
}

/// What a driver says. What is large and rare lies elsewhere (`indirect`), so that a reading, which is neither, is passed
/// on without moving memory that only the others need.
public enum DriverEvent: Sendable, Hashable {
  /// The instrument answered who it is; its channels may be used from now on.
  indirect case identified(InstrumentIdentity)
  /// The instrument took the set-point; the time of its readings counts from here.
  case began(channel: Int, SetpointToken)
  /// Current may flow from this moment on the set-point's clock: that at which the instrument was told to close the circuit, where
  /// it does not say itself when it did.
  case circuitClosed(channel: Int, at: TimeSpan)
  /// The instrument closed or opened the circuit at a moment that the line swallowed, at this moment on the set-point's
  /// clock or before: the charge around it is not known. What was missed follows, at the nearest known moments.
  case circuitMarkLost(channel: Int, at: TimeSpan)
  /// From here the voltage is held.
  case holdBegan(channel: Int, at: TimeSpan)
  /// A measurement.
  case reading(channel: Int, Reading)
  /// A point of an impedance spectrum.
  indirect case impedance(channel: Int, ImpedancePoint)
  /// No current flows from this moment on the set-point's clock.
  case circuitOpened(channel: Int, at: TimeSpan)
  /// The set-point is over and the cell is confirmed to be disconnected; the circuit counts as open from here on, said by
  /// `circuit` too or not.
  case ended(channel: Int, SetpointToken, SetpointEnd)
  /// The instrument did not take the set-point; nothing was closed.
  case refused(channel: Int, SetpointToken, Fault)
  /// At opening, a set-point of an earlier connection was found and ended: its token and, where the instrument still
  /// told, the last reading, the moment of disconnection on that set-point's clock, and why it ended.
  indirect case orphanEnded(
    channel: Int, SetpointToken, lastReading: Reading?, circuitOpenedAt: TimeSpan?, end: SetpointEnd?)
  /// What is known of the circuit changed.
  case circuit(channel: Int, CircuitState)
  /// A thermometer says how warm it is. It belongs to no channel and has no clock: it counts from the moment at which the
  /// bytes were handed over.
  case temperature(Temperature)
  /// Something is wrong with the link or the instrument; nil channel means all. After `link.timeout` and `link.lost` the host
  /// closes the port and opens it anew.
  case fault(channel: Int?, Fault)
}

/// Where a driver puts what it says; reused from call to call, so that nothing is allocated in steady state.
public struct DriverOutputs: Sendable {
  /// To be written to the port, in this order.
  public var writes: [UInt8] = []
  /// In the order in which they happened.
  public var events: [DriverEvent] = []
  /// When the driver wants its next `tick`; nil when it waits for bytes only. Each call says it anew: what an earlier one said
  /// counts no more.
  public var wakeAt: HostInstant?
  /// Empty outputs.
  public init() {}
  /// Forgets everything and keeps the memory.
  public mutating func removeAll() {
    writes.removeAll(keepingCapacity: true)
    events.removeAll(keepingCapacity: true)
    wakeAt = nil
  }
}

/// Who an instrument is. Two ports with the same identity are the same instrument, whatever their names.
public struct InstrumentIdentity: Sendable, Hashable {
  /// The driver family, for instance `methodscript`.
  public var family: String
  /// The model as people call it.
  public var model: String
  /// The instrument's own serial number; empty where it has none, and then its model and the name of its port are its
  /// identity.
  public var serial: String
  /// The firmware's version.
  public var firmware: String
  /// What this model can do.
  public var capabilities: InstrumentCapabilities
  /// An identity.
  public init(family: String, model: String, serial: String, firmware: String, capabilities: InstrumentCapabilities) {
    self.family = family
    self.model = model
    self.serial = serial
    self.firmware = firmware
    self.capabilities = capabilities
  }
}

/// What one model can do with a cell.
public struct InstrumentCapabilities: Sendable, Hashable {
  /// How many cells it can drive.
  public var channels: Int
  /// Set-points it can keep.
  public var kinds: Set<StepKind>
  /// The voltages it can measure and apply.
  public var voltage: VoltageWindow
  /// The largest current.
  public var maximumCurrent: Current
  /// Its current ranges, as full-scale values, ascending.
  public var currentRanges: [Current]
  /// What its maker states of the currents that it measures, for each of those ranges; empty where nothing is known. From
  /// memory of data sheets where unverified.
  public var currentAccuracy: [CurrentAccuracy] = []
  /// The shortest time between readings.
  public var shortestReadingInterval: TimeSpan
  /// Its stated voltage error: of reading in millionths, and offset. From memory of data sheets where unverified.
  public var voltageErrorPartsPerMillion: Int64
  /// Offset part of the voltage error.
  public var voltageOffsetError: Voltage
  /// Whether it judges bounds itself.
  public var holdsBounds: Bool
  /// Whether it disconnects the cell when the host falls silent.
  public var hasLease: Bool
  /// When it stays on all the same, in a sentence for whoever starts a run (hazard rule 12); nil when it never does.
  public var leaseHole: String?
  /// What its open circuit is.
  public var openCircuit: OpenCircuit
  /// What it measures beside a cell; empty for an instrument that drives cells and nothing else.
  public var observes: Set<ObservedQuantity> = []
  /// The highest frequency at which it measures an impedance; nil when it measures none.
  public var highestFrequency: Frequency?
  /// For kinds of step that it cannot carry out, the models of its family that can, in words.
  public var elsewhere: [StepKind: String]
  /// Capabilities.
  public init(
    channels: Int, kinds: Set<StepKind>, voltage: VoltageWindow, maximumCurrent: Current, currentRanges: [Current],
    shortestReadingInterval: TimeSpan, voltageErrorPartsPerMillion: Int64, voltageOffsetError: Voltage,
    holdsBounds: Bool, hasLease: Bool, leaseHole: String? = nil, openCircuit: OpenCircuit,
    highestFrequency: Frequency? = nil, elsewhere: [StepKind: String] = [:]
  ) {
    self.channels = channels
    self.kinds = kinds
    self.voltage = voltage
    self.maximumCurrent = maximumCurrent
    self.currentRanges = currentRanges
    self.shortestReadingInterval = shortestReadingInterval
    self.voltageErrorPartsPerMillion = voltageErrorPartsPerMillion
    self.voltageOffsetError = voltageOffsetError
    self.holdsBounds = holdsBounds
    self.hasLease = hasLease
    self.leaseHole = leaseHole
    self.openCircuit = openCircuit
    self.highestFrequency = highestFrequency
    self.elsewhere = elsewhere
  }
}

/// What an instrument beside a cell measures.
public enum ObservedQuantity: String, Sendable, Hashable, CaseIterable {
  /// A temperature.
  case temperature
}

extension InstrumentCapabilities {
  /// Of an instrument that drives nothing: it has no channel, and its readings are for the channels that it is bound to.
  public static func observer(of quantities: Set<ObservedQuantity>) -> InstrumentCapabilities {
    var capabilities = InstrumentCapabilities(
      channels: 0, kinds: [], voltage: VoltageWindow(from: .zero, to: .zero), maximumCurrent: .zero, currentRanges: [],
      shortestReadingInterval: TimeSpan(seconds: 1), voltageErrorPartsPerMillion: 0, voltageOffsetError: .zero,
      holdsBounds: false, hasLease: false, openCircuit: .disconnectedBlind)
    capabilities.observes = quantities
    return capabilities
  }

  /// Whether it measures beside cells and drives none.
  public var isObserver: Bool { channels == 0 && !observes.isEmpty }

  /// What the compiler of protocols must know of it.
  public var limits: InstrumentLimits {
    InstrumentLimits(
      voltage: voltage, maximumCurrent: maximumCurrent, voltageErrorPartsPerMillion: voltageErrorPartsPerMillion,
      voltageOffsetError: voltageOffsetError, shortestReadingInterval: shortestReadingInterval, kinds: kinds,
      openCircuit: openCircuit, highestFrequency: highestFrequency, elsewhere: elsewhere)
  }
}

/// What is known of a family before any byte was exchanged.
public struct InstrumentDescriptor: Sendable, Hashable {
  /// How sure we are that the driver works on the real thing.
  public enum Maturity: String, Sendable, Hashable, CaseIterable {
    /// Written from documents and tested against an emulator only.
    case emulatedOnly = "emulated_only"
    /// Someone ran it on hardware and said so.
    case triedOnHardware = "tried_on_hardware"
    /// Several laboratories use it.
    case provenOnHardware = "proven_on_hardware"
  }
  /// The family's stable name.
  public var family: String
  /// The line's speed; ignored by USB-CDC.
  public var baudRate: Int
  /// The parities that its instruments may have, in the order in which they are tried: at a port where nobody says who it
  /// is before the driver gives the link up, the next one is taken, until somebody has said so. Not empty; a
  /// pseudo-terminal has no parity.
  public var parities: [LineParity]
  /// The pipes of one that is a USB device of its own class; nil for one at the end of a line. A line that carries its packets
  /// one after the other, such as a pseudo-terminal, is as good.
  public var bulk: BulkPipes?
  /// Whether its instruments may be USB devices of the class for tests and measurements (USBTMC), which carries lines as messages
  /// and an answer only where one is asked for. Of the lines that such a driver writes at once at most one has a question
  /// mark, and it is the last. What is written while an answer is due gives that answer up.
  public var carriesMessages: Bool
  /// Which ports may carry such an instrument.
  public var matches: [MatchRule]
  /// Maturity.
  public var maturity: Maturity
  /// A descriptor.
  public init(
    family: String, baudRate: Int, parities: [LineParity] = [.none], bulk: BulkPipes? = nil,
    carriesMessages: Bool = false, matches: [MatchRule], maturity: Maturity
  ) {
    self.family = family
    self.baudRate = baudRate
    self.parities = parities
    self.bulk = bulk
    self.carriesMessages = carriesMessages
    self.matches = matches
    self.maturity = maturity
  }
}

/// Through which pipes of a USB device commands go and answers come, one packet each.
public struct BulkPipes: Sendable, Hashable {
  /// The number of the interface that has them.
  public var interface: UInt32
  /// The address of the pipe to the instrument, 0x01 to 0x0F.
  public var outEndpoint: UInt8
  /// The address of the pipe from it, 0x81 to 0x8F.
  public var inEndpoint: UInt8
  /// Pipes.
  public init(interface: UInt32, outEndpoint: UInt8, inEndpoint: UInt8) {
    self.interface = interface
    self.outEndpoint = outEndpoint
    self.inEndpoint = inEndpoint
  }
}

/// What a serial line adds to each byte.
public enum LineParity: String, Sendable, Hashable, CaseIterable {
  /// Nothing.
  case none
  /// A bit that makes the number of ones odd.
  case odd
  /// A bit that makes the number of ones even.
  case even
}

/// One way to recognise a port by what USB says of it; every part that is not nil must fit.
public struct MatchRule: Sendable, Hashable {
  /// Whether the instrument is the USB device itself and not a line that the system makes of it.
  public var isWholeDevice: Bool
  /// Four lower-case hexadecimal digits.
  public var vendorID: String?
  /// Four lower-case hexadecimal digits.
  public var productID: String?
  /// The product string begins so.
  public var productPrefix: String?
  /// The product string must not begin so.
  public var excludedProductPrefix: String?
  /// A rule.
  public init(
    vendorID: String? = nil, productID: String? = nil, productPrefix: String? = nil,
    excludedProductPrefix: String? = nil, isWholeDevice: Bool = false
  ) {
    self.isWholeDevice = isWholeDevice
    self.vendorID = vendorID
    self.productID = productID
    self.productPrefix = productPrefix
    self.excludedProductPrefix = excludedProductPrefix
  }
}
