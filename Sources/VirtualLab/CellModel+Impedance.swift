// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The impedance that follows from the equations of `CellModel`, for a current i = a·sin(ωt) with a so small that every
// potential curve is straight over the charge that it moves, to first order in a:
//
//     resistance R          R
//     diffusion element     its own equation τ·du/dt = R_k·i − u gives R_k / (1 + jωτ)
//     potential curve       a charge q = ∫i dt raises the voltage by slope·q: slope / (jω)
//     hysteresis            h·db/dt with Q_h·db/dt = i − |i|·b. The first term is a slope of h/Q_h. In the second |i| is
//                           of the order of a as well, but |sin| has no part at ω itself: it has a mean, which lets the
//                           voltage drift until b is 0, and even harmonics
//     side reactions        of what flows in the lossy direction a fraction λ does not reach the leaky electrode. The half
//                           wave that is missing, λ·max(i, 0), has λ·i/2 at ω: the leaky curve counts 1 − λ/2

import Glibc

extension CellModel {
  /// The small-signal impedance in ohms without a direct current, at a frequency in hertz above zero.
  func impedance(_ state: CellState, atHertz hertz: Double) -> (real: Double, imaginary: Double) {
    let omega = 2 * Double.pi * hertz
    let turned = omega * diffusionTime
    let shares = diffusionResistance / (SIMD2(repeating: 1) + turned * turned)
    let reaching = 1 - 0.5 * lossFraction(state)
    let slope =
      leakySlope(state) * reaching + (faithful?.slope(at: state.terminal) ?? 0) + hysteresis / hysteresisCharge
    return (resistance + shares.sum(), -(shares * turned).sum() - slope / omega)
  }
}
