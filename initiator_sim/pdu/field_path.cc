#include "initiator_sim/pdu/field_path.h"
