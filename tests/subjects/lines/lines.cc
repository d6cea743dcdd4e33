// SPDX-License-Identifier: Apache-2.0
// Functions of many kinds, inlined into one another.  Says "." and waits to be looked at.
#include <cstdlib>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
#define INLINE   inline __attribute__((always_inline))

extern volatile int lines_sink;
volatile int lines_sink;

namespace outer {
namespace inner {

INLINE int innermost(int value)
{
    lines_sink += value;
    return lines_sink * 3;
}

INLINE int middle(int value)
{
    int twice = innermost(value) * 2;
    lines_sink ^= twice;
    return twice;
}

} // namespace inner

namespace {

INLINE int hidden(int value)
{
    int got = inner::middle(value + 1);
    return got + 1;
}

} // namespace

NOINLINE int chain_of_three(int value)
{
    int sum = hidden(value);
    sum += inner::innermost(sum);
    return sum + 4;
}

namespace {

NOINLINE int in_anonymous(int value)
{
    for (int i = 0; i < value; i++) {
        int local = inner::middle(i);
        {
            int deeper = local + lines_sink;
            lines_sink = deeper;
        }
    }
    return value;
}

} // namespace

} // namespace outer

class Counter {
  public:
    explicit Counter(int start) : count_(start) {}
    INLINE int add(int value)
    {
        count_ += value;
        lines_sink = count_;
        return count_;
    }
    static INLINE int twice(int value)
    {
        return outer::inner::innermost(value) * 2;
    }
    NOINLINE int run(int value)
    {
        int sum = add(value);
        return sum + twice(value);
    }
    struct Nested {
        NOINLINE static int leaf(int value)
        {
            return Counter::twice(value) - 1;
        }
    };

  private:
    int count_;
};

template <typename Type, int N> struct Box {
    Type value;
    INLINE Type times() const
    {
        lines_sink += static_cast<int>(value);
        return value * N;
    }
};

template <typename Type> NOINLINE Type in_template(Type value)
{
    Box<Type, 3> box{value};
    Type first = box.times();
    Box<Type, 7> other{first};
    return other.times();
}

template <typename Function> INLINE int call(Function function, int value)
{
    int got = function(value);
    lines_sink += got;
    return got;
}

NOINLINE int with_lambdas(int value)
{
    int sum = 0;
    auto add = [&sum](int more) {
        sum += more;
        lines_sink = sum;
        return sum;
    };
    call(add, value);
    call([](int other) { return outer::inner::innermost(other); }, sum);
    return sum + 1;
}

NOINLINE int recursive(int depth)
{
    if (depth <= 0)
        return outer::inner::middle(depth);
    int below = recursive(depth - 1);
    return below + outer::inner::innermost(below);
}

__attribute__((cold)) NOINLINE void complain(int value)
{
    lines_sink = value;
}

NOINLINE int hot_and_cold(int value)
{
    if (__builtin_expect(value == 12345, 0)) {
        complain(value);
        outer::inner::middle(value);
        complain(value + 1);
        std::abort();
    }
    return outer::inner::innermost(value);
}

NOINLINE int local_class(int value)
{
    struct Local {
        int factor;
        INLINE int scale(int of) const
        {
            lines_sink = of;
            return of * factor;
        }
    };
    Local local{value};
    return local.scale(value + 2);
}

NOINLINE int never_called(int value)
{
    return outer::inner::middle(value) + outer::inner::innermost(value + 1);
}

int main(int argc, char **)
{
    Counter counter(argc);
    int sum = outer::chain_of_three(argc) + outer::in_anonymous(argc) + counter.run(argc) +
              Counter::Nested::leaf(argc) + in_template<int>(argc) +
              static_cast<int>(in_template<double>(argc)) + with_lambdas(argc) + recursive(argc) +
              hot_and_cold(argc) + local_class(argc);
    lines_sink = sum;
    if (write(1, ".", 1) != 1)
        return 1;
    char byte;
    return read(0, &byte, 1) < 0 ? never_called(argc) : 0;
}
