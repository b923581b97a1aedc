# gslb_room(NAME SOURCES ... PUBLIC ... PRIVATE ...): a static library that holds one room, or a layer
# of one. PUBLIC are the rooms whose headers appear in this room's headers; third-party libraries go
# under PRIVATE, so that their headers can never leak through a room's public header.

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

function(gslb_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(${name} PUBLIC gslb_options ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE})
endfunction()
