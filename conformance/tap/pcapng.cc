#include "conformance/tap/pcapng.h"
