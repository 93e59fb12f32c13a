// libqrencode, for the payment as a picture.
#include <qrencode.h>
