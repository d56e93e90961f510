// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

import Testing

/// Tests of the real programs. Each starts several processes, so they take turns.
@Suite(.serialized) struct ProgramTests {}
