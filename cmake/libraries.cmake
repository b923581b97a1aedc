# Every third-party library, once, as an imported target under one name.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
pkg_check_modules(LDNS REQUIRED IMPORTED_TARGET ldns)
pkg_check_modules(MAXMINDDB REQUIRED IMPORTED_TARGET libmaxminddb)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()

# Asio compiled once instead of in every file that includes it.
add_library(gslb_asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio.cpp)
target_compile_definitions(gslb_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(gslb_asio PUBLIC Boost::headers Threads::Threads)

# Its TLS half, for those who need it.
add_library(gslb_asio_ssl STATIC ${CMAKE_SOURCE_DIR}/cmake/asio_ssl.cpp)
target_link_libraries(gslb_asio_ssl PUBLIC gslb_asio OpenSSL::SSL OpenSSL::Crypto)

# Boost.Beast, likewise.
add_library(gslb_beast STATIC ${CMAKE_SOURCE_DIR}/cmake/beast.cpp)
target_compile_definitions(gslb_beast PUBLIC BOOST_BEAST_SEPARATE_COMPILATION)
target_link_libraries(gslb_beast PUBLIC gslb_asio)

# Boost.JSON, likewise.
add_library(gslb_json STATIC ${CMAKE_SOURCE_DIR}/cmake/json.cpp)
target_link_libraries(gslb_json PUBLIC Boost::headers)
