// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// Hands libudev's own header to Swift.

#include <libudev.h>
