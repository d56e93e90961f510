// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Dispatch
import Glibc

/// Hears signals instead of their ending the process, and does something at each.
///
/// Unchecked, and safe: the sources are set up and resumed before they are kept here, and from then on nothing is asked of them but
/// to be cancelled, which may be done from any thread.
final class SignalWatch: @unchecked Sendable {
  private let sources: [(number: CInt, source: any DispatchSourceSignal)]

  private init(_ sources: [(number: CInt, source: any DispatchSourceSignal)]) { self.sources = sources }

  /// Hears these signals for as long as the watch is kept. From its return on none is missed: a source is known to the kernel only
  /// some time after it was resumed, and what comes meanwhile does nothing. Once in a process for each signal: the dispatch library
  /// installs its handler for the first source only, so a watch behind an ended one would hear nothing.
  static func hear(_ signals: [CInt], _ act: @escaping @Sendable () -> Void) async -> SignalWatch {
    let queue = DispatchQueue(label: "nactl.signals")
    var sources: [(number: CInt, source: any DispatchSourceSignal)] = []
    for number in signals {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler(handler: act)
      await withCheckedContinuation { registered in
        source.setRegistrationHandler { registered.resume() }
        source.resume()
      }
      sources.append((number, source))
    }
    return SignalWatch(sources)
  }

  /// Hears nothing any more: the signals end the process again.
  func end() {
    for (number, source) in sources {
      source.cancel()
      signal(number, SIG_DFL)
    }
  }
}
