// What every processor's planted_ARCHITECTURE.cpp has: floating point in plain C++ for the no-float gate to find, and
// what it must let pass. That file says in "expect" lines as which instructions.
#include <cmath>

extern "C" {

float planted_addition(float a, float b) {
  return a + b;
}

double planted_conversion(int a) {
  return a;
}

bool planted_comparison(float a, float b) {
  return a < b;
}

double planted_libm(double a) {
  return std::exp(a);
}

long double planted_long_double(long double a, long double b) {
  return a + b;
}

long clean_integers(long a, int b) {
  return a * b + (a >> 3) % (b | 1);
}
}
