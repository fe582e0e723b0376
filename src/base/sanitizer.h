/* sanitizer.h -- which sanitizer this build runs under, gcc or clang. SPDX: Apache-2.0 */
#ifndef CAIRN_BASE_SANITIZER_H
#define CAIRN_BASE_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(HAS_ASAN)
#define HAS_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(HAS_TSAN)
#define HAS_TSAN 1
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef HAS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#endif
