// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Faults of the system that cannot be had without root or a sick disk: a library, compiled here and preloaded into the
// daemon, answers in the kernel's place while a file of the rig's says so. The daemon itself knows nothing of it.

import Foundation

/// What the preloaded library can do.
enum PreloadedFaults: String {
  /// Writes to files whose names contain the given word have no room.
  case full
  /// The disk of paths that contain the given word says that nothing of it is free.
  case crowded
  /// Writes to the terminal whose path is given do not return, as in a driver of the kernel that hangs.
  case stall

  private static let source = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <fcntl.h>
    #include <poll.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/statvfs.h>
    #include <sys/types.h>
    #include <unistd.h>

    /* The first line of NACYCLER_TEST_FAULTS/<fault>; 0 when there is no such file. */
    static int wanted(const char *fault, char *word, size_t size) {
      const char *folder = getenv("NACYCLER_TEST_FAULTS");
      char path[512];
      if (!folder) return 0;
      snprintf(path, sizeof path, "%s/%s", folder, fault);
      int file = open(path, O_RDONLY | O_CLOEXEC);
      if (file < 0) return 0;
      ssize_t count = read(file, word, size - 1);
      close(file);
      if (count <= 0) return 0;
      word[count] = 0;
      return 1;
    }

    static int leads_to(int descriptor, const char *word) {
      char link[64], path[512];
      snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
      ssize_t count = readlink(link, path, sizeof path - 1);
      if (count < 0) return 0;
      path[count] = 0;
      return strstr(path, word) != 0;
    }

    static int has_no_room(int descriptor) {
      char word[256];
      return wanted("full", word, sizeof word) && leads_to(descriptor, word);
    }

    ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t place) {
      static ssize_t (*next)(int, const void *, size_t, off64_t);
      if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
      if (has_no_room(descriptor)) { errno = ENOSPC; return -1; }
      return next(descriptor, bytes, count, place);
    }

    int statvfs(const char *path, struct statvfs *disk) {
      static int (*next)(const char *, struct statvfs *);
      char word[256];
      if (!next) next = dlsym(RTLD_NEXT, "statvfs");
      int result = next(path, disk);
      if (result == 0 && wanted("crowded", word, sizeof word) && strstr(path, word)) {
        disk->f_bfree = 0;
        disk->f_bavail = 0;
      }
      return result;
    }

    ssize_t write(int descriptor, const void *bytes, size_t count) {
      static ssize_t (*next)(int, const void *, size_t);
      char word[256];
      if (!next) next = dlsym(RTLD_NEXT, "write");
      while (isatty(descriptor) && wanted("stall", word, sizeof word) && leads_to(descriptor, word)) poll(0, 0, 20);
      return next(descriptor, bytes, count);
    }
    """#

  /// Compiles the library into the rig's directory; the environment in which the daemon is to be started.
  static func environment(_ rig: LaboratoryRig) throws -> [String: String] {
    let folder = rig.directory.appendingPathComponent("faults")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = rig.directory.appendingPathComponent("faults.c")
    let library = rig.directory.appendingPathComponent("faults.so").path
    try source.write(to: file, atomically: true, encoding: .utf8)
    let result = try LaboratoryRig.system("cc", "-O1", "-shared", "-fPIC", "-o", library, file.path, "-ldl")
    guard result.status == 0 else { throw RigError("cc: \(result.errors)") }
    return ["LD_PRELOAD": library, "NACYCLER_TEST_FAULTS": folder.path]
  }

  /// From now on the fault happens to what is called so.
  static func set(_ fault: PreloadedFaults, _ name: String, _ rig: LaboratoryRig) throws {
    try name.write(to: file(fault, rig), atomically: true, encoding: .utf8)
  }

  /// From now on it does not happen any more.
  static func clear(_ fault: PreloadedFaults, _ rig: LaboratoryRig) throws {
    try FileManager.default.removeItem(at: file(fault, rig))
  }

  private static func file(_ fault: PreloadedFaults, _ rig: LaboratoryRig) -> URL {
    rig.directory.appendingPathComponent("faults/\(fault.rawValue)")
  }
}
