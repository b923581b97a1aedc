# gslb_room(NAME [UNOPTIMIZED_IF_SANITIZED] SOURCES ... PUBLIC ... PRIVATE ... PRECOMPILE ...): a static
# library that holds one room, or a layer of one. PUBLIC are the rooms whose headers appear in this
# room's headers; third-party libraries go under PRIVATE, so that their headers can never leak through
# a room's public header. PRECOMPILE are big headers that many of its sources read, see
# gslb_precompile. UNOPTIMIZED_IF_SANITIZED is for a room that then takes longer to compile than the
# tests to run it.

add_library(gslb_options INTERFACE)
target_include_directories(gslb_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(gslb_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor
  $<$<BOOL:${GSLB_WERROR}>:-Werror>)
if(GSLB_SANITIZE)
  # Global, so that the GoogleTest mains and the rooms agree.
  add_compile_options(-fsanitize=${GSLB_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${GSLB_SANITIZE})
  # g++ 12 sees uninitialized members of the standard library in instrumented code.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(GSLB_SANITIZE MATCHES "thread")
    # Boost.Asio's fences stand beside atomics that ThreadSanitizer does understand.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
  if(GSLB_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# gslb_precompile(TARGET HEADERS ...): these and the standard library's usual ones, read once for all
# sources of the target. For the sanitizers' presets only: the others find out forgotten includes.
function(gslb_precompile target)
  if(GSLB_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE
      <algorithm> <chrono> <functional> <map> <memory> <optional> <ranges> <string> <unordered_map>
      <variant> <vector> <tl/expected.hpp> ${ARGN})
  endif()
endfunction()

function(gslb_room name)
  cmake_parse_arguments(ROOM "UNOPTIMIZED_IF_SANITIZED" "" "SOURCES;PUBLIC;PRIVATE;PRECOMPILE" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(${name} PUBLIC gslb_options ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE})
  gslb_precompile(${name} ${ROOM_PRECOMPILE})
  if(GSLB_SANITIZE AND NOT ROOM_UNOPTIMIZED_IF_SANITIZED)
    target_compile_options(${name} PRIVATE -O1)
  endif()
endfunction()
