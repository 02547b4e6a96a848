#include "initiator_sim/pdu/figure.h"
