// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The blocks of a flat program, found again from its instructions, so that two programs can be laid side by side: what
// of the one is done, and where the other would go on.

internal import CyclerModel

/// The blocks and steps of a program, as its file has them once every `for_each` is written out.
struct ProgramOutline {
  /// One step or one block.
  struct Item {
    /// Its instructions.
    var range: Range<Int>
    /// Of a block: what is in it; nil for a step.
    var items: [Item]?
    /// Whether its passes are cycles.
    var isCycles = false
    /// Whether it is a test of plating, or part of one.
    var isTest = false
  }

  /// A place between two instructions at which another program may take over: no half-cycle is open there, and what is
  /// done of a block are whole passes.
  enum Seam: Hashable {
    /// Before the item with that index, or behind the last.
    case before(Int)
    /// At the end of a pass of a block, named by its indices from the outermost block inwards.
    case passEnd([Int])
  }

  let items: [Item]

  init(_ program: Program) {
    var index = 0
    items = Self.items(of: program, from: &index)
  }

  private static func items(of program: Program, from index: inout Int) -> [Item] {
    var items: [Item] = []
    while true {
      let first = index
      switch program.instructions[index] {
      case .end, .endLoop: return items
      case .beginCycle: index += 1
      case .step(let step):
        index += 1
        items.append(Item(range: first..<index, isTest: program.steps[step].test != nil))
      case .beginLoop:
        index += 1
        let isCycles = program.instructions[index] == .beginCycle
        let body = Self.items(of: program, from: &index)
        // Behind the end of the loop.
        index += 1
        items.append(
          Item(range: first..<index, items: body, isCycles: isCycles, isTest: body.contains(where: \.isTest)))
      }
    }
  }

  /// The seam at which the machine stands before it carries out the instruction; nil where there is none.
  func seam(at counter: Int) -> Seam? {
    if let index = items.firstIndex(where: { $0.range.lowerBound == counter }) { return .before(index) }
    let chain = chain(to: counter)
    guard let last = chain.last else {
      return counter >= (items.last?.range.upperBound ?? 0) ? .before(items.count) : nil
    }
    guard last.item.range.upperBound == counter + 1, chain.count == Self.depth(of: chain) else { return nil }
    return .passEnd(chain.map(\.index))
  }

  /// The instruction that ends the passes of the block that begins at `begin`; `begin` itself where none does.
  func end(ofLoopAt begin: Int) -> Int {
    chain(to: begin).last { $0.item.range.lowerBound == begin }.map { $0.item.range.upperBound - 1 } ?? begin
  }

  /// The seam that the machine comes to next on its way, when its present step is the instruction at `counter`.
  func seam(after counter: Int) -> Seam {
    let end = items.last?.range.upperBound ?? 0
    for next in counter + 1..<max(end, counter + 1) {
      if let seam = seam(at: next) { return seam }
    }
    return .before(items.count)
  }

  /// The blocks around an instruction, the outermost first.
  private func chain(to counter: Int) -> [(index: Int, item: Item)] {
    var chain: [(index: Int, item: Item)] = []
    var list = items
    while let index = list.firstIndex(where: { $0.range.contains(counter) }), let inner = list[index].items {
      chain.append((index, list[index]))
      list = inner
    }
    return chain
  }

  /// How many of the blocks have passes that may be told apart: a cycle is not left in its middle, nor is a test.
  private static func depth(of chain: [(index: Int, item: Item)]) -> Int {
    guard chain.first?.item.isTest != true else { return 0 }
    return chain.firstIndex { $0.item.isCycles }.map { $0 + 1 } ?? chain.count
  }

  /// The block with those indices.
  func block(_ path: [Int]) -> Item? {
    var list = items
    var found: Item?
    for index in path {
      guard list.indices.contains(index), let inner = list[index].items else { return nil }
      found = list[index]
      list = inner
    }
    return found
  }
}
