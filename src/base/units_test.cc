#include "base/units.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

TEST(Bytes, PrintsSiUnitsWithOneDecimalFromMegabytesUp) {
  EXPECT_EQ(to_text(Bytes{0}), "0 B");
  EXPECT_EQ(to_text(Bytes{1500}), "2 kB");
  EXPECT_EQ(to_text(Bytes{98'362'432}), "98.4 MB");
  EXPECT_EQ(to_text(gigabytes(12)), "12.0 GB");
}

TEST(Bytes, GoesNegativeWhenOverBudgetInsteadOfWrapping) {
  EXPECT_LT(gigabytes(1) - gigabytes(2), Bytes{0});
  EXPECT_EQ(to_text(gigabytes(1) - gigabytes(2)), "-1.0 GB");
}

TEST(Rate, IsZeroForAnEmptyInterval) {
  EXPECT_EQ(rate(10, std::chrono::seconds(0)).value, 0);
  EXPECT_DOUBLE_EQ(rate(10, std::chrono::milliseconds(500)).value, 20);
}

}  // namespace
}  // namespace pensieve
