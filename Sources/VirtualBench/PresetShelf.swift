// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

internal import FoundationEssentials
internal import Glibc
public import VirtualLab

/// Where the presets of virtual cells are found.
///
/// In this order: the folder that the caller names, the one that `NASIM_PRESETS` names, the installed one beside the
/// program's own (`../share/nacycler/virtual-cells`), and the nearest `VirtualCells` in a folder above the program, as
/// in a checkout. Only the first that exists is used; a folder that was named must exist.
public struct PresetShelf: Sendable {
  /// The folder in use.
  public let folder: String

  /// Finds the folder; throws when there is none.
  public init(named: String? = nil) throws(BenchError) {
    let environment = getenv("NASIM_PRESETS").map { String(cString: $0) }
    for chosen in [named, environment] {
      guard let chosen, !chosen.isEmpty else { continue }
      guard Self.isFolder(chosen) else { throw BenchError("there is no folder of presets at \(chosen)") }
      folder = chosen
      return
    }
    guard let found = Self.candidates().first(where: Self.isFolder) else {
      throw BenchError("found no presets of virtual cells; name their folder with --presets or NASIM_PRESETS")
    }
    folder = found
  }

  /// The names of all presets, in alphabetical order.
  public func names() -> [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
  }

  /// Reads the preset of that name, or the one in a file when `name` holds a slash.
  public func preset(_ name: String) throws(BenchError) -> CellPreset {
    let path = name.contains("/") ? name : "\(folder)/\(name).json"
    var data = try read(path, name)
    if let variant = try? JSONDecoder().decode(PresetJSON.self, from: data), let base = variant.base {
      data = try whole(variant, like: base, path)
    }
    do {
      return try CellPreset(json: data)
    } catch {
      throw BenchError("\(path): \(error)")
    }
  }

  private func read(_ path: String, _ name: String) throws(BenchError) -> Data {
    do {
      return try Data(contentsOf: URL(filePath: path))
    } catch {
      let known = names().joined(separator: ", ")
      throw BenchError("there is no virtual cell \"\(name)\" (\(path)); there are: \(known)")
    }
  }

  /// A variant's whole text; what it is like is a preset of this shelf and no variant itself.
  private func whole(_ variant: PresetJSON, like base: String, _ path: String) throws(BenchError) -> Data {
    guard names().contains(base) else {
      throw BenchError("\(path): like: there is no \"\(base)\"; there are: \(names().joined(separator: ", "))")
    }
    do {
      let original = try JSONDecoder().decode(PresetJSON.self, from: try read("\(folder)/\(base).json", base))
      guard original.base == nil else { throw BenchError("\(path): like: \"\(base)\" is a variant itself") }
      return try JSONEncoder().encode(original.replaced(by: variant))
    } catch let error as BenchError {
      throw error
    } catch {
      throw BenchError("\(path): like: \(error)")
    }
  }

  private static func candidates() -> [String] {
    guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return [] }
    var folders = program.split(separator: "/").dropLast()
    var candidates = ["/" + folders.joined(separator: "/") + "/../share/nacycler/virtual-cells"]
    while !folders.isEmpty {
      candidates.append("/" + folders.joined(separator: "/") + "/VirtualCells")
      folders.removeLast()
    }
    return candidates
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
