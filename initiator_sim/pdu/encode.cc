#include "initiator_sim/pdu/codec.h"
