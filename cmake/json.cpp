// Boost.JSON is a header library with one file of code, which is compiled here.
#include <boost/json/src.hpp>
