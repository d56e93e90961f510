// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

/// Tests of the real programs. Each starts several processes, so they take turns; two at once, as they wait most of their time.
@Suite(.serialized) struct ProgramTests {}

/// Those of single commands.
@Suite(.serialized) struct CommandProgramTests {}
